//! Two questions to a program's call graph: how deep can the stack get, and who leads to a function.

use crate::elf::{Call, Program};
use anyhow::{Result, bail};
use std::collections::{BTreeMap, BTreeSet};

/// The deepest stack below an entry.
#[derive(Debug, Default)]
pub(crate) struct Depth {
    /// Octets.
    pub(crate) octets: u64,
    /// The functions on the way, outermost first.
    pub(crate) path: Vec<usize>,
    /// Functions whose frame is not recorded, counted as 0.
    pub(crate) unknown: BTreeSet<usize>,
    /// Functions that call through pointers; each is taken to call every function whose address is used.
    pub(crate) pointer_callers: BTreeSet<usize>,
}

/// The deepest stack below `entry`, its own frame included. Fails on recursion, which has no bound.
pub(crate) fn deepest(program: &Program, entry: usize) -> Result<Depth> {
    let mut walk = Walk { program, done: BTreeMap::new(), open: Vec::new(), depth: Depth::default() };
    let octets = walk.visit(entry)?;
    let Walk { done, mut depth, .. } = walk;
    depth.octets = octets;
    let mut next = Some(entry);
    while let Some(function) = next {
        depth.path.push(function);
        next = done.get(&function).and_then(|&(_, below)| below);
    }
    Ok(depth)
}

struct Walk<'a> {
    program: &'a Program,
    /// Depth of each function, and the callee it comes from.
    done: BTreeMap<usize, (u64, Option<usize>)>,
    /// The functions being visited, to see recursion.
    open: Vec<usize>,
    depth: Depth,
}

impl Walk<'_> {
    fn visit(&mut self, function: usize) -> Result<u64> {
        if let Some(&(octets, _)) = self.done.get(&function) {
            return Ok(octets);
        }
        if let Some(first) = self.open.iter().position(|&open| open == function) {
            let names: Vec<_> =
                self.open[first..].iter().map(|&f| self.program.functions[f].name.as_str()).collect();
            bail!("recursion, so the stack has no bound: {}", names.join(" -> "));
        }
        self.open.push(function);
        let this = &self.program.functions[function];
        let mut callees: BTreeSet<usize> = this.calls.iter().map(|call| call.callee).collect();
        if this.calls_pointers {
            self.depth.pointer_callers.insert(function);
            callees.extend(&self.program.address_taken);
        }
        let mut below = (0, None);
        for callee in callees {
            let octets = self.visit(callee)?;
            if below.1.is_none() || octets > below.0 {
                below = (octets, Some(callee));
            }
        }
        self.open.pop();
        if this.frame.is_none() {
            self.depth.unknown.insert(function);
        }
        let octets = this.frame.unwrap_or(0) + below.0;
        self.done.insert(function, (octets, below.1));
        Ok(octets)
    }
}

/// Who leads to `target`: the calls into the functions of which `passes` is true, from functions of which it is not.
pub(crate) fn leading_to(
    program: &Program,
    target: usize,
    passes: impl Fn(&str) -> bool,
) -> Vec<(usize, Call)> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([target]);
    let mut wanted = vec![target];
    while let Some(callee) = wanted.pop() {
        for (index, function) in program.functions.iter().enumerate() {
            let mut calls = function.calls.iter().filter(|call| call.callee == callee).peekable();
            if calls.peek().is_none() {
                continue;
            }
            if passes(&function.name) {
                if seen.insert(index) {
                    wanted.push(index);
                }
            } else {
                found.extend(calls.map(|call| (index, *call)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elf::Function;

    fn program(functions: &[(&str, u64, &[usize])]) -> Program {
        let function = |&(name, frame, callees): &(&str, u64, &[usize])| Function {
            name: name.to_owned(),
            address: 0,
            size: 2,
            frame: Some(frame),
            calls: callees.iter().map(|&callee| Call { site: 0, callee }).collect(),
            calls_pointers: false,
        };
        let functions = functions.iter().map(function).collect();
        Program { functions, address_taken: BTreeSet::new(), flash: 0, ram: 0 }
    }

    #[test]
    fn the_deepest_path_wins() {
        let program =
            program(&[("main", 8, &[1, 2]), ("wide", 100, &[]), ("long", 64, &[3]), ("leaf", 48, &[])]);
        let depth = deepest(&program, 0).unwrap();
        assert_eq!((depth.octets, depth.path), (120, vec![0, 2, 3]));
    }

    #[test]
    fn pointers_reach_every_function_whose_address_is_used() {
        let mut program = program(&[("main", 8, &[]), ("method", 24, &[])]);
        program.functions[0].calls_pointers = true;
        program.address_taken.insert(1);
        assert_eq!(deepest(&program, 0).unwrap().octets, 32);
    }

    #[test]
    fn recursion_is_named() {
        let program = program(&[("main", 8, &[1]), ("even", 8, &[2]), ("odd", 8, &[1])]);
        assert!(deepest(&program, 0).unwrap_err().to_string().ends_with("even -> odd"));
    }

    #[test]
    fn culprits_are_found_through_the_machinery() {
        let program =
            program(&[("ours", 0, &[1]), ("core::fail", 0, &[2]), ("target", 0, &[]), ("innocent", 0, &[])]);
        let found = leading_to(&program, 2, |name| name.starts_with("core::"));
        assert_eq!(found.iter().map(|(function, _)| *function).collect::<Vec<_>>(), [0]);
    }
}
