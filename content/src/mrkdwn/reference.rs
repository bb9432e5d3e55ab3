//! What Slack writes between `<` and `>`: people, channels, calls and addresses.

use super::{Resolver, literal};

/// The schemes that become a link; an address with another one stays text.
const SCHEMES: &[&str] = &["http", "https", "mailto", "tel", "ftp"];

/// The Markdown of a reference, given without its angle brackets.
pub(super) fn markdown(inner: &str, resolver: &dyn Resolver) -> String {
    let (target, label) = parts(inner);
    let known = match target.split_at_checked(1) {
        Some(("@", id)) => resolver.user(id).map(|id| format!("<@{id}>")),
        Some(("#", id)) => resolver.channel(id).map(|id| format!("<#{id}>")),
        Some(("!", _)) => None,
        _ => return link(&literal::decode(target), label.map(literal::decode)),
    };
    known.unwrap_or_else(|| literal::escape(&plain(inner)))
}

/// What a reader saw of a reference, as plain text: for code, and for what is unknown.
pub(super) fn plain(inner: &str) -> String {
    let (target, label) = parts(inner);
    let label = label.map(literal::decode);
    match target.split_at_checked(1) {
        Some((sign @ ("@" | "#"), id)) => {
            let name = label.unwrap_or_else(|| id.to_owned());
            format!("{sign}{}", name.trim_start_matches(sign))
        }
        Some(("!", call)) => label.unwrap_or_else(|| {
            let name = call.split('^').nth(1).unwrap_or(call);
            format!("@{name}")
        }),
        _ => label.unwrap_or_else(|| literal::decode(target)),
    }
}

/// What it leads to, and its label if it has one with something in it.
fn parts(inner: &str) -> (&str, Option<&str>) {
    match inner.split_once('|') {
        Some((target, label)) => (target, Some(label).filter(|label| !label.trim().is_empty())),
        None => (inner, None),
    }
}

fn link(address: &str, label: Option<String>) -> String {
    let scheme = address
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    let known = scheme.is_some_and(|scheme| SCHEMES.contains(&scheme.as_str()));
    if !known {
        let address = literal::escape(address);
        return label.map_or(address.clone(), |label| {
            format!("{} ({address})", literal::escape(&label))
        });
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>');
    match label {
        None if !address.contains(odd) => format!("<{address}>"),
        label => {
            let text = literal::escape(&label.unwrap_or_else(|| address.to_owned()));
            format!("[{text}]({})", destination(address))
        }
    }
}

/// An address as a link's destination: in angle brackets when it holds what would end it.
fn destination(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    for (i, c) in address.char_indices() {
        match c {
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            '\\' => out.push_str("%5C"),
            '\n' | '\t' => out.push_str("%20"),
            '&' => out.push_str(literal::ampersand(&address[i + 1..])),
            _ => out.push(c),
        }
    }
    if out.contains(['(', ')', ' ']) {
        format!("<{out}>")
    } else {
        out
    }
}
