//! The emoji of a reaction or a presence.

use crate::{
    ContentError,
    text::{shown, text_type},
};

text_type! {
    /// One Unicode emoji in its fully-qualified form, or the name of a custom one between colons:
    /// `:name:` with 1 to 32 of `a-z 0-9 _ + -`.
    ///
    /// Unicode's own list decides what an emoji is, flags, keycaps and families included, so a heart
    /// with and without its variation selector is one reaction and not two.
    Emoji = emoji
}
shown!(Emoji);

/// The longest name of a custom emoji.
pub(crate) const MAX_NAME: usize = 32;

fn emoji(text: &str) -> Result<String, ContentError> {
    if text.is_empty() {
        return Err(ContentError::Empty { what: "emoji" });
    }
    if let Some(known) = emojis::get(text) {
        return Ok(known.as_str().to_owned());
    }
    let name = text.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
    if name.is_some_and(|name| (1..=MAX_NAME).contains(&name.len()) && name.chars().all(is_name_char)) {
        return Ok(text.to_owned());
    }
    Err(ContentError::Malformed {
        what: "emoji",
        rule: "one Unicode emoji, or :name:",
    })
}

/// A character of a custom emoji's name.
pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '+' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emoji_is_taken_in_its_full_form() {
        for good in ["👍", "👏🏼", "1️⃣", "🇩🇪", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👩🏽‍🤝‍👨🏻", ":party_parrot:", ":+1:"]
        {
            assert_eq!(Emoji::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(Emoji::parse("❤").unwrap(), Emoji::parse("❤\u{fe0f}").unwrap());
        let longest = emojis::iter().flat_map(|e| e.skin_tones().into_iter().flatten().chain([e]));
        assert!(longest.map(|e| e.as_str().chars().count()).max().unwrap() <= 10);
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "a", "1", "#", "👍👍", "👍 ", " 👍", "🇩", "\u{200d}", "\u{fe0f}", "::", ":a b:", ":Abc:",
            "party", ":a", "a:", ":ä:", "<:a:1>", ":a::b:",
        ] {
            assert_eq!(
                Emoji::parse(bad).unwrap_err().reason(),
                "CONTENT_MALFORMED",
                "{bad:?}"
            );
        }
        assert!(Emoji::parse(&format!(":{}:", "a".repeat(32))).is_ok());
        assert!(Emoji::parse(&format!(":{}:", "a".repeat(33))).is_err());
        assert_eq!(Emoji::parse("").unwrap_err().reason(), "CONTENT_EMPTY");
    }
}
