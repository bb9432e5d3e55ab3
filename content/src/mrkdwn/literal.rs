//! Slack's entities, and what Markdown would take for markup.

/// `&amp;`, `&lt;` and `&gt;` as what they stand for; Slack knows no others.
pub(super) fn decode(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// A decoded text so that Markdown shows just that, wherever in a line it stands. An underscore within
/// a word is no markup.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, c) in text.char_indices() {
        let rest = &text[i + c.len_utf8()..];
        let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        match c {
            '\n' => out.push(' '),
            '&' => out.push_str(ampersand(rest)),
            '_' if in_word(text[..i].chars().next_back()) && in_word(rest.chars().next()) => out.push(c),
            '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '<' => out.extend(['\\', c]),
            '@' if rest.starts_with("everyone") => out.push_str("\\@"),
            _ => out.push(c),
        }
    }
    out
}

/// An ampersand, written out when `rest` would make it an entity.
pub(super) fn ampersand(rest: &str) -> &'static str {
    let name = rest.split(';').next().unwrap_or_default();
    let closed = rest.len() > name.len() && !name.is_empty();
    let plain = name
        .strip_prefix('#')
        .unwrap_or(name)
        .bytes()
        .all(|b| b.is_ascii_alphanumeric());
    if closed && plain { "&amp;" } else { "&" }
}

/// A `<` before `next`, escaped when it could open a tag, an address or a mention.
pub(super) fn less_than(next: Option<char>) -> &'static str {
    if next.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?' | '@' | '#')) {
        "\\<"
    } else {
        "<"
    }
}

/// Whether a line (as Slack wrote it) needs a backslash before its first character, lest Markdown
/// takes it for a heading, a rule, a fence or a link's definition.
pub(super) fn opens_block(line: &str) -> bool {
    let Some(first) = line.chars().next() else {
        return false;
    };
    match first {
        '#' => {
            let after = line.trim_start_matches('#');
            line.len() - after.len() <= 6 && (after.is_empty() || after.starts_with([' ', '\t']))
        }
        '-' | '=' | '*' | '_' => line.len() > 1 && line.chars().all(|c| c == first || c == ' '),
        '~' => line.starts_with("~~~"),
        '[' => line.contains("]:"),
        _ => false,
    }
}
