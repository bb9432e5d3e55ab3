//! Names of people, guilds, channels and roles.
//!
//! A [`Username`] is a handle: one spelling, ASCII, unique on the instance (which the database sees
//! to). All other names are for display: any script, one line, not unique.

use crate::{
    ContentError,
    text::{Rule, shown, text_type},
};

text_type! {
    /// A handle: 2 to 32 of `a-z 0-9 _ . -`, a letter or digit at both ends. Upper case is folded.
    Username = username
}
text_type! {
    /// What a person is called: 1 to 64 characters on one line.
    DisplayName = |text| Rule { what: "display name", min: 1, max: 64 }.line(text)
}
text_type! {
    /// What a person is called in one guild: 1 to 64 characters on one line.
    Nickname = |text| Rule { what: "nickname", min: 1, max: 64 }.line(text)
}
text_type! {
    /// The name of a guild: 2 to 100 characters on one line.
    GuildName = |text| Rule { what: "guild name", min: 2, max: 100 }.line(text)
}
text_type! {
    /// The name of a channel: 1 to 100 characters on one line.
    ChannelName = |text| Rule { what: "channel name", min: 1, max: 100 }.line(text)
}
text_type! {
    /// The name of a role: 1 to 100 characters on one line.
    RoleName = |text| Rule { what: "role name", min: 1, max: 100 }.line(text)
}
shown!(Username, DisplayName, Nickname, GuildName, ChannelName, RoleName);

fn username(text: &str) -> Result<String, ContentError> {
    let rule = Rule {
        what: "username",
        min: 2,
        max: 32,
    };
    if text.is_empty() {
        return Err(ContentError::Empty { what: rule.what });
    }
    rule.length(text)?;
    let text = text.to_ascii_lowercase();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = text.chars().all(|c| plain(c) || matches!(c, '_' | '.' | '-'));
    if !fits || !text.starts_with(plain) || !text.ends_with(plain) {
        return Err(ContentError::Malformed {
            what: rule.what,
            rule: "letters a-z, digits, '_', '.' and '-', with a letter or digit at both ends",
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason<T: std::fmt::Debug>(parsed: Result<T, ContentError>) -> &'static str {
        parsed.unwrap_err().reason()
    }

    #[test]
    fn a_username_is_folded_and_strict() {
        assert_eq!(Username::parse("Ada.Alder_0").unwrap().as_str(), "ada.alder_0");
        assert_eq!(Username::parse("a-").unwrap_err().reason(), "CONTENT_MALFORMED");
        for bad in [
            " ada",
            "ada ",
            "_ada",
            "ada.",
            "a b",
            "ädä",
            "a\nb",
            "ad\u{212A}",
            "a@b",
        ] {
            assert_eq!(reason(Username::parse(bad)), "CONTENT_MALFORMED", "{bad:?}");
        }
        assert_eq!(reason(Username::parse("")), "CONTENT_EMPTY");
        assert_eq!(reason(Username::parse("a")), "CONTENT_TOO_SHORT");
        assert!(Username::parse(&"a".repeat(32)).is_ok());
        assert_eq!(reason(Username::parse(&"a".repeat(33))), "CONTENT_TOO_LONG");
    }

    #[test]
    fn a_display_name_takes_every_script_on_one_line() {
        for good in ["Ada", "日本語の名前", "مريم", "Zoë 🦊", "नमस्ते"] {
            assert_eq!(DisplayName::parse(&format!("  {good}\n")).unwrap().as_str(), good);
        }
        for bad in [
            "a\nb",
            "a\tb",
            "a\u{7}b",
            "a\u{202E}b",
            "a\u{2066}b",
            "a\u{2028}b",
            "a\u{85}b",
        ] {
            assert_eq!(
                reason(DisplayName::parse(bad)),
                "CONTENT_CONTROL_CHARACTER",
                "{bad:?}"
            );
        }
        for bad in ["", "   ", "\u{200B}", "\u{3164}\u{200D}", "\u{2800}", "\u{FE0F}"] {
            assert_eq!(reason(DisplayName::parse(bad)), "CONTENT_EMPTY", "{bad:?}");
        }
    }

    #[test]
    fn names_are_counted_composed() {
        // "e" with a combining acute is two characters until it is composed.
        let composed = DisplayName::parse(&"e\u{301}".repeat(64)).unwrap();
        assert_eq!(composed.as_str(), "\u{e9}".repeat(64));
        assert_eq!(reason(DisplayName::parse(&"ä".repeat(65))), "CONTENT_TOO_LONG");
    }

    #[test]
    fn every_name_has_its_limits() {
        assert_eq!(reason(GuildName::parse("x")), "CONTENT_TOO_SHORT");
        assert!(GuildName::parse(&"x".repeat(100)).is_ok());
        assert_eq!(reason(GuildName::parse(&"x".repeat(101))), "CONTENT_TOO_LONG");
        assert!(ChannelName::parse("x").is_ok());
        assert_eq!(reason(ChannelName::parse(&"x".repeat(101))), "CONTENT_TOO_LONG");
        assert_eq!(reason(RoleName::parse(&"x".repeat(101))), "CONTENT_TOO_LONG");
        assert_eq!(reason(Nickname::parse(&"x".repeat(65))), "CONTENT_TOO_LONG");
    }
}
