//! The source rules of the core crates: `#![no_std]`, no unsafe code, the panic lints, and no `std` or `alloc` outside
//! tests. Checked on the syntax tree, following the modules from `lib.rs`, so comments and test modules do not matter.

use anyhow::{Context, Result};
use proc_macro2::{Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use std::path::{Path, PathBuf};
use syn::{Attribute, Item};

/// The lints every core crate denies outside tests.
const LINTS: [&str; 6] = [
    "unwrap_used",
    "expect_used",
    "panic",
    "indexing_slicing",
    "arithmetic_side_effects",
    "cast_possible_truncation",
];

/// Crates a core crate may not name.
const FORBIDDEN: [&str; 2] = ["std", "alloc"];

/// What is wrong with the crate in `folder`, one line each.
pub(crate) fn check(folder: &Path) -> Result<Vec<String>> {
    let lib = folder.join("src/lib.rs");
    let file = parse(&lib)?;
    let mut faults: Vec<String> = missing_attributes(&file.attrs)
        .into_iter()
        .map(|missing| format!("{}: {missing} is missing", lib.display()))
        .collect();
    module(&file.items, &lib, &folder.join("src"), &mut faults)?;
    Ok(faults)
}

fn parse(path: &Path) -> Result<syn::File> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
    syn::parse_file(&text).with_context(|| format!("{} is not Rust", path.display()))
}

fn missing_attributes(attributes: &[Attribute]) -> Vec<String> {
    let texts: Vec<String> =
        attributes.iter().map(|a| a.meta.to_token_stream().to_string().replace(' ', "")).collect();
    let mut missing = Vec::new();
    for wanted in ["no_std", "forbid(unsafe_code)"] {
        if !texts.iter().any(|text| text == wanted) {
            missing.push(format!("#![{wanted}]"));
        }
    }
    for lint in LINTS {
        let wanted = format!("clippy::{lint}");
        if !texts.iter().any(|text| text.starts_with("cfg_attr(not(test),deny(") && text.contains(&wanted)) {
            missing.push(format!("deny({wanted}) outside tests"));
        }
    }
    missing
}

/// Checks the items of one module; `children` is the folder of its submodules' files.
fn module(items: &[Item], file: &Path, children: &Path, faults: &mut Vec<String>) -> Result<()> {
    for item in items.iter().filter(|item| !only_for_tests(attributes(item))) {
        let Item::Mod(inner) = item else {
            forbidden(item.to_token_stream(), file, faults);
            continue;
        };
        let name = inner.ident.to_string();
        let below = children.join(&name);
        if let Some((_, items)) = &inner.content {
            module(items, file, &below, faults)?;
        } else {
            let path = module_file(children, &name);
            module(&parse(&path)?.items, &path, &below, faults)?;
        }
    }
    Ok(())
}

fn module_file(children: &Path, name: &str) -> PathBuf {
    let own_folder = children.join(name).join("mod.rs");
    if own_folder.is_file() { own_folder } else { children.join(format!("{name}.rs")) }
}

fn only_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| a.meta.to_token_stream().to_string().replace(' ', "") == "cfg(test)")
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Finds `std ::` and `extern crate std`.
fn forbidden(tokens: TokenStream, file: &Path, faults: &mut Vec<String>) {
    let mut before = String::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if let TokenTree::Group(group) = &token {
            forbidden(group.stream(), file, faults);
        }
        let text = token.to_string();
        let path_follows = matches!(
            tokens.peek(),
            Some(TokenTree::Punct(next)) if next.as_char() == ':' && next.spacing() == Spacing::Joint
        );
        let is_crate_path = path_follows && before != ":" && before != ".";
        if FORBIDDEN.contains(&text.as_str()) && (is_crate_path || before == "crate") {
            faults.push(format!(
                "{}:{}: uses {text} outside tests",
                file.display(),
                token.span().start().line
            ));
        }
        before = text;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(source: &str) -> Vec<String> {
        let file = syn::parse_file(source).unwrap();
        let mut faults = Vec::new();
        module(&file.items, Path::new("lib.rs"), Path::new(""), &mut faults).unwrap();
        faults
    }

    #[test]
    fn std_is_found_with_its_line() {
        assert_eq!(
            faults("fn f() {\n    let v = std::vec::Vec::<u8>::new();\n}"),
            ["lib.rs:2: uses std outside tests"]
        );
        assert_eq!(faults("extern crate alloc;"), ["lib.rs:1: uses alloc outside tests"]);
        assert_eq!(faults("mod a { use std::fmt; }"), ["lib.rs:1: uses std outside tests"]);
    }

    #[test]
    fn tests_comments_and_namesakes_are_left_alone() {
        assert!(
            faults("#[cfg(test)]\nextern crate std;\n#[cfg(test)]\nmod tests { use std::vec::Vec; }")
                .is_empty()
        );
        assert!(faults("/// Like std::fmt.\nfn f(std: u8) -> u8 { std }").is_empty());
        assert!(faults("use crate::std::thing;").is_empty());
    }

    #[test]
    fn each_missing_attribute_is_named() {
        let file =
            syn::parse_file("#![no_std]\n#![cfg_attr(not(test), deny(clippy::panic, clippy::unwrap_used))]")
                .unwrap();
        let missing = missing_attributes(&file.attrs);
        assert_eq!(missing.first().map(String::as_str), Some("#![forbid(unsafe_code)]"));
        assert_eq!(missing.len(), 1 + LINTS.len() - 2);
    }
}
