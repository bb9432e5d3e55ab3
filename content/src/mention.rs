//! Whom a message calls, read from its Markdown.
//!
//! A mention in code is no mention, nor is one behind a backslash. What it names is the raw text of a
//! typed id: whether that exists, and whether the author may call it, is not known here.

use pulldown_cmark::{Event, Options, Parser, Tag};
use std::ops::Range;

/// The call to all members.
const EVERYONE: &str = "@everyone";

/// Whom a message calls. Ids in the order of their first mention, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Of `<@user_…>`: the `user_…` texts.
    pub users: Vec<String>,
    /// Of `<#channel_…>`: the `channel_…` texts.
    pub channels: Vec<String>,
    /// Of `<@&role_…>`: the `role_…` texts.
    pub roles: Vec<String>,
    /// Whether `@everyone` stands in it as a word.
    pub everyone: bool,
}

/// Reads the mentions of a message.
#[must_use]
pub fn mentions(markdown: &str) -> Mentions {
    let mut found = Mentions::default();
    if !markdown.contains(['@', '#']) {
        return found;
    }
    let code = code_ranges(markdown);
    let mut code = code.iter().peekable();
    for (at, start) in markdown.match_indices(['<', '@']) {
        while code.next_if(|range| range.end <= at).is_some() {}
        if code.peek().is_some_and(|range| range.contains(&at)) || is_escaped(markdown, at) {
            continue;
        }
        let rest = &markdown[at..];
        if start == "@" {
            found.everyone |= is_everyone(markdown, at);
        } else if let Some(id) = id_in(rest, "<@", "user_") {
            add(&mut found.users, id);
        } else if let Some(id) = id_in(rest, "<#", "channel_") {
            add(&mut found.channels, id);
        } else if let Some(id) = id_in(rest, "<@&", "role_") {
            add(&mut found.roles, id);
        }
    }
    found
}

/// Where code spans and blocks are, in order and apart.
fn code_ranges(markdown: &str) -> Vec<Range<usize>> {
    Parser::new_ext(markdown, Options::empty())
        .into_offset_iter()
        .filter(|(event, _)| matches!(event, Event::Code(_) | Event::Start(Tag::CodeBlock(_))))
        .map(|(_, range)| range)
        .collect()
}

/// The id between `open` and `>`, if it has its kind's prefix and 26 characters of base 32.
fn id_in<'a>(text: &'a str, open: &str, prefix: &str) -> Option<&'a str> {
    let (id, _) = text.strip_prefix(open)?.split_once('>')?;
    let digits = id.strip_prefix(prefix)?;
    let base32 = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'h' | b'j' | b'k' | b'm' | b'n' | b'p'..=b't' | b'v'..=b'z');
    (digits.len() == 26 && digits.bytes().all(base32)).then_some(id)
}

/// Whether `@everyone` starts here and is no part of a longer word or an address.
fn is_everyone(text: &str, at: usize) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let before = text[..at].chars().next_back();
    let after = text[at..].strip_prefix(EVERYONE).map(|rest| rest.chars().next());
    !before.is_some_and(|c| word(c) || matches!(c, '@' | '/'))
        && after.is_some_and(|next| !next.is_some_and(word))
}

/// Whether an odd number of backslashes stands before this place.
fn is_escaped(text: &str, at: usize) -> bool {
    text[..at].bytes().rev().take_while(|&b| b == b'\\').count() % 2 == 1
}

fn add(ids: &mut Vec<String>, id: &str) {
    if !ids.iter().any(|known| known == id) {
        ids.push(id.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "user_01h455vb4pex5vsknk084sn02q";
    const BEN: &str = "user_01h455vb4pex5vsknk084sn02r";
    const TALK: &str = "channel_01h455vb4pex5vsknk084sn02s";
    const HOST: &str = "role_01h455vb4pex5vsknk084sn02t";

    #[test]
    fn every_kind_is_found_once_and_in_order() {
        let found = mentions(&format!(
            "<@{BEN}>, <@{ADA}>: **<@{BEN}>** in <#{TALK}> <@&{HOST}> @everyone!"
        ));
        assert_eq!(
            found,
            Mentions {
                users: vec![BEN.into(), ADA.into()],
                channels: vec![TALK.into()],
                roles: vec![HOST.into()],
                everyone: true,
            }
        );
    }

    #[test]
    fn code_holds_no_mentions() {
        for text in [
            format!("`<@{ADA}> @everyone`"),
            format!("``a ` <@{ADA}> @everyone``"),
            format!("```\n<@{ADA}> @everyone\n```"),
            format!("~~~text\n<@{ADA}> @everyone\n"),
            format!("> ```\n> <@{ADA}> @everyone"),
            format!("    <@{ADA}> @everyone"),
            format!("- `<@{ADA}>` ``@everyone``"),
        ] {
            assert_eq!(mentions(&text), Mentions::default(), "{text}");
        }
        let around = mentions(&format!("`a` <@{ADA}> `<@{BEN}>` @everyone `b`"));
        assert_eq!((around.users, around.everyone), (vec![ADA.to_owned()], true));
        // A backtick that never closes opens nothing.
        assert!(mentions("a ` @everyone").everyone);
    }

    #[test]
    fn what_is_not_quite_a_mention_is_none() {
        for text in [
            format!("\\<@{ADA}>"),
            format!("<@{TALK}>"),
            format!("<#{ADA}>"),
            format!("<@&{ADA}>"),
            format!("<@{ADA}x>"),
            format!("<@{}>", ADA.to_uppercase()),
            format!("< @{ADA}>"),
            format!("<@{ADA}"),
            "<@user_>".into(),
            "<@user_01h455vb4pex5vsknk084sn02i>".into(),
            "\\@everyone".into(),
            "ada@everyone.example".into(),
            "@everyones".into(),
            "@Everyone".into(),
            "@@everyone".into(),
            "https://example.org/@everyone".into(),
        ] {
            assert_eq!(mentions(&text), Mentions::default(), "{text}");
        }
        assert!(mentions("\\\\@everyone").everyone);
        assert!(mentions("(@everyone)").everyone);
        assert_eq!(mentions(&format!("x<@{ADA}>y")).users, [ADA]);
    }
}
