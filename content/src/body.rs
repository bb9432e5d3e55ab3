//! What people write at length: messages, topics, biographies.

use crate::text::{Rule, is_stray_control, normalize_lines, shown, text_type};
use unicode_segmentation::UnicodeSegmentation;

text_type! {
    /// What a message says, in Markdown: 1 to 4,000 characters, something to see among them, line ends
    /// as `\n`, no control characters but `\n` and tab. White space at the end is dropped; at the
    /// start it is kept, for it can mean code.
    MessageBody = |text| Rule { what: "message", min: 1, max: MessageBody::MAX_CHARS }.block(text)
}
text_type! {
    /// What a channel is about: up to 1,024 characters, empty for none.
    Topic = |text| Rule { what: "topic", min: 0, max: 1_024 }.block(text)
}
text_type! {
    /// What a person says about themself: up to 500 characters, empty for nothing.
    Bio = |text| Rule { what: "biography", min: 0, max: 500 }.block(text)
}
text_type! {
    /// Why a moderator did something: 1 to 500 characters.
    Reason = |text| Rule { what: "reason", min: 1, max: 500 }.block(text)
}
shown!(MessageBody, Topic, Bio, Reason);

/// Reopens a code block in the next part.
const FENCE: &str = "```";

impl MessageBody {
    /// The greatest number of characters (Unicode scalar values).
    pub const MAX_CHARS: usize = 4_000;

    /// Cuts a text of any length into bodies, for texts from elsewhere that may be longer or dirtier
    /// than a message here.
    ///
    /// A cut is at the last line end, else at the last space, else between two characters as a reader
    /// sees them. A fenced code block that is cut is closed and opened again. Control characters, which
    /// nobody saw, are dropped. Nothing to see gives no part.
    #[must_use]
    pub fn split(text: &str) -> Vec<Self> {
        let clean: String = normalize_lines(text)
            .chars()
            .filter(|&c| !is_stray_control(c))
            .collect();
        let mut rest = clean.trim_end();
        let mut open = None;
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let opening = open.map_or(String::new(), |info: &str| format!("{FENCE}{info}\n"));
            // Room for what is added at both ends.
            let room = Self::MAX_CHARS - opening.chars().count() - FENCE.len() - 1;
            let (part, after) = cut(rest, room);
            open = fence_after(part, open);
            let closing = if open.is_some() && !after.is_empty() {
                format!("\n{FENCE}")
            } else {
                String::new()
            };
            // A part may be nothing but invisible characters: nobody misses it.
            parts.extend(Self::parse(&format!("{opening}{part}{closing}")).ok());
            rest = after;
        }
        parts
    }
}

/// The first part, at most `room` characters long, and the rest. The white space at which it is cut
/// goes to neither.
fn cut(text: &str, room: usize) -> (&str, &str) {
    let Some((end, _)) = text.char_indices().nth(room) else {
        return (text, "");
    };
    // A cut in the first half would leave a crumb.
    let half = end / 2;
    let window = &text[..end];
    let at = |c: char| window.rfind(c).filter(|&i| i > half);
    if let Some(i) = at('\n') {
        return (&text[..i], &text[i + 1..]);
    }
    if let Some(i) = at(' ') {
        return (&text[..i], &text[i + 1..]);
    }
    let whole = text
        .grapheme_indices(true)
        .map(|(i, _)| i)
        .take_while(|&i| i <= end)
        .last()
        .unwrap_or(end);
    // One grapheme of thousands of marks has no better place.
    let at = if whole == 0 { end } else { whole };
    text.split_at(at)
}

/// The info string of the fenced code block that is open after `part`, if one is.
fn fence_after<'a>(part: &'a str, open: Option<&'a str>) -> Option<&'a str> {
    part.lines().fold(open, |open, line| {
        match (open, line.trim_start().strip_prefix(FENCE)) {
            (None, Some(info)) if !info.contains('`') && info.len() <= 32 => Some(info),
            (Some(_), Some(rest)) if rest.trim().is_empty() => None,
            (open, _) => open,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> &'static str {
        MessageBody::parse(text).unwrap_err().reason()
    }

    #[test]
    fn a_body_is_normalised() {
        assert_eq!(MessageBody::parse("a\r\nb\rc \n\t ").unwrap().as_str(), "a\nb\nc");
        assert_eq!(MessageBody::parse("    code").unwrap().as_str(), "    code");
        assert_eq!(MessageBody::parse("e\u{301}").unwrap().as_str(), "\u{e9}");
        assert_eq!(MessageBody::parse("👨‍👩‍👧").unwrap().as_str(), "👨‍👩‍👧");
    }

    #[test]
    fn a_body_without_anything_to_see_is_empty() {
        for bad in [
            "",
            " ",
            "\n\t\n",
            "\u{200B}",
            "\u{2800}\u{3164}",
            "\u{FEFF}\u{2060}\u{AD}",
            "\u{E0061}",
        ] {
            assert_eq!(reason(bad), "CONTENT_EMPTY", "{bad:?}");
        }
    }

    #[test]
    fn a_body_is_counted_in_scalar_values() {
        assert_eq!(
            MessageBody::parse(&"𝄞".repeat(4_000))
                .unwrap()
                .as_str()
                .chars()
                .count(),
            4_000
        );
        assert_eq!(reason(&"𝄞".repeat(4_001)), "CONTENT_TOO_LONG");
        assert!(MessageBody::parse(&format!("{}\n\n", "x".repeat(4_000))).is_ok());
        assert!(MessageBody::parse(&"e\u{301}".repeat(4_000)).is_ok());
    }

    #[test]
    fn a_body_holds_no_control_characters() {
        for bad in ["a\0", "a\u{1b}[31m", "a\u{7f}", "a\u{85}b", "\u{8}x"] {
            assert_eq!(reason(bad), "CONTENT_CONTROL_CHARACTER", "{bad:?}");
        }
    }

    #[test]
    fn a_topic_may_be_empty() {
        assert_eq!(Topic::parse(" \u{200B} \n").unwrap().as_str(), "");
        assert_eq!(Topic::parse("Next meeting\n").unwrap().as_str(), "Next meeting");
        assert!(Topic::parse(&"x".repeat(1_024)).is_ok());
        assert_eq!(
            Topic::parse(&"x".repeat(1_025)).unwrap_err().reason(),
            "CONTENT_TOO_LONG"
        );
        assert!(Bio::parse(&"x".repeat(500)).is_ok());
        assert_eq!(
            Bio::parse(&"x".repeat(501)).unwrap_err().reason(),
            "CONTENT_TOO_LONG"
        );
    }

    #[test]
    fn a_long_text_is_split_and_nothing_is_lost() {
        assert_eq!(
            MessageBody::split("short\u{7}\r\n"),
            [MessageBody::parse("short").unwrap()]
        );
        assert_eq!(MessageBody::split(" \u{200B}\n"), []);

        let words = (0..3_000)
            .map(|n| format!("word{n}"))
            .collect::<Vec<_>>()
            .join(" ");
        let parts = MessageBody::split(&words);
        assert!(parts.len() >= words.len() / 4_000);
        let joined = parts
            .iter()
            .map(MessageBody::as_str)
            .collect::<Vec<_>>()
            .join(" ");
        assert_eq!(joined, words);

        let solid = "é🏳️‍🌈".repeat(2_500);
        assert_eq!(
            MessageBody::split(&solid)
                .iter()
                .map(MessageBody::as_str)
                .collect::<String>(),
            solid
        );
        let marks = format!("e{}", "\u{20DD}".repeat(9_000));
        assert_eq!(
            MessageBody::split(&marks)
                .iter()
                .map(MessageBody::as_str)
                .collect::<String>(),
            marks
        );
    }

    #[test]
    fn a_split_code_block_is_closed_and_opened_again() {
        let code = (0..600)
            .map(|n| format!("let x{n} = {n};"))
            .collect::<Vec<_>>()
            .join("\n");
        let parts = MessageBody::split(&format!("see\n```rust\n{code}\n```\nend"));
        assert!(parts.len() > 1);
        for part in &parts {
            assert_eq!(part.as_str().matches(FENCE).count() % 2, 0, "{part}");
        }
        assert!(parts[1].as_str().starts_with("```rust\nlet x"));
        assert!(parts.last().unwrap().as_str().ends_with("```\nend"));
    }
}
