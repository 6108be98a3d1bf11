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
    /// Calls through pointers that were left out because they would close a circle. If one of them can happen, the depth
    /// is too small; that every pointer may be any function makes most of them up.
    pub(crate) left_out: usize,
}

/// The deepest stack below `entry`, its own frame included. Fails on recursion by name, which has no bound.
pub(crate) fn deepest(program: &Program, entry: usize) -> Result<Depth> {
    let mut walk = Walk { program, done: BTreeMap::new(), open: Vec::new(), depth: Depth::default() };
    let octets = walk.visit(entry, false)?;
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
    /// The functions being visited, and whether each was reached through a pointer, to see recursion.
    open: Vec<(usize, bool)>,
    depth: Depth,
}

impl Walk<'_> {
    fn visit(&mut self, function: usize, by_pointer: bool) -> Result<u64> {
        if let Some(&(octets, _)) = self.done.get(&function) {
            return Ok(octets);
        }
        if let Some(first) = self.open.iter().position(|&(open, _)| open == function) {
            let circle = &self.open[first..];
            if by_pointer || circle.iter().skip(1).any(|&(_, by_pointer)| by_pointer) {
                self.depth.left_out += 1;
                return Ok(0);
            }
            let names: Vec<_> =
                circle.iter().map(|&(f, _)| self.program.functions[f].name.as_str()).collect();
            bail!("recursion, so the stack has no bound: {}", names.join(" -> "));
        }
        self.open.push((function, by_pointer));
        let this = &self.program.functions[function];
        let mut callees: BTreeMap<usize, bool> = BTreeMap::new();
        if this.calls_pointers {
            self.depth.pointer_callers.insert(function);
            callees.extend(self.program.address_taken.iter().map(|&callee| (callee, true)));
        }
        callees.extend(this.calls.iter().map(|call| (call.callee, false)));
        let mut below = (0, None);
        for (callee, by_pointer) in callees {
            let octets = self.visit(callee, by_pointer)?;
            if octets > below.0 {
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
        Program { functions, address_taken: BTreeSet::new(), flash: 0, ram: 0, initial: 0 }
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
    fn a_circle_through_a_pointer_is_left_out_and_counted() {
        let mut program = program(&[("main", 8, &[1]), ("write", 24, &[2]), ("format", 16, &[])]);
        program.functions[2].calls_pointers = true;
        program.address_taken.insert(1);
        let depth = deepest(&program, 0).unwrap();
        assert_eq!((depth.octets, depth.left_out), (48, 1));
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
