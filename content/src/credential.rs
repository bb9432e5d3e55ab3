//! What a person proves an account with.

use crate::{
    ContentError,
    text::{Rule, shown, text_type},
};
use std::fmt;
use unicode_normalization::UnicodeNormalization;

text_type! {
    /// A password: 8 to 256 characters of any kind, in NFC so that every keyboard gives the same.
    /// `Debug` doesn't show it, and there is no `Display`.
    Password = password
}
text_type! {
    /// An e-mail address, lower-cased, at most 254 characters. The form is checked roughly: only a
    /// mail that arrives proves an address.
    Email = email
}
shown!(Email);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

fn password(text: &str) -> Result<String, ContentError> {
    let rule = Rule {
        what: "password",
        min: 8,
        max: 256,
    };
    let text: String = text.nfc().collect();
    rule.length(&text)?;
    Ok(text)
}

fn email(text: &str) -> Result<String, ContentError> {
    let rule = Rule {
        what: "e-mail address",
        min: 3,
        max: 254,
    };
    let text: String = text.trim().nfc().flat_map(char::to_lowercase).collect();
    if text.is_empty() {
        return Err(ContentError::Empty { what: rule.what });
    }
    rule.length(&text)?;
    let form = text
        .rsplit_once('@')
        .is_some_and(|(local, domain)| is_local(local) && is_domain(domain));
    if !form {
        return Err(ContentError::Malformed {
            what: rule.what,
            rule: "name@domain.example",
        });
    }
    Ok(text)
}

fn is_local(local: &str) -> bool {
    let odd = |c: char| {
        c.is_control()
            || c.is_whitespace()
            || matches!(
                c,
                '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '\\' | '"' | '@'
            )
    };
    !local.is_empty()
        && local.chars().count() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && !local.contains(odd)
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.chars().count() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.contains('.') && domain.split('.').all(label) && !last.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_eight_characters_and_shows_none() {
        let password = Password::parse("pässwörd").unwrap();
        assert_eq!(password.as_str(), "pässwörd");
        assert_eq!(format!("{password:?}"), "Password(…)");
        assert_eq!(Password::parse("pa\u{308}sswo\u{308}rd").unwrap(), password);
        assert_eq!(
            Password::parse("  spaces stay  ").unwrap().as_str(),
            "  spaces stay  "
        );
        assert_eq!(
            Password::parse("seven77").unwrap_err().reason(),
            "CONTENT_TOO_SHORT"
        );
        assert!(Password::parse(&"x".repeat(256)).is_ok());
        assert_eq!(
            Password::parse(&"x".repeat(257)).unwrap_err().reason(),
            "CONTENT_TOO_LONG"
        );
    }

    #[test]
    fn an_email_is_lower_case_and_has_a_domain() {
        assert_eq!(
            Email::parse(" Ada+Chat@Example.ORG ").unwrap().as_str(),
            "ada+chat@example.org"
        );
        assert!(Email::parse("ada@bücher.example").is_ok());
        for bad in [
            "ada",
            "ada@",
            "@example.org",
            "ada@example",
            "ada@@example.org",
            "a da@example.org",
            "ada@exa mple.org",
            "ada@-example.org",
            "ada@example..org",
            ".ada@example.org",
            "ada@127.0.0.1",
            "Ada <ada@example.org>",
            "ada@example.org\nbcc:x@example.org",
        ] {
            assert_eq!(
                Email::parse(bad).unwrap_err().reason(),
                "CONTENT_MALFORMED",
                "{bad:?}"
            );
        }
        assert_eq!(Email::parse("").unwrap_err().reason(), "CONTENT_EMPTY");
        let long = format!(
            "{}@{}.example.org",
            "a".repeat(60),
            "b.".repeat(120).trim_end_matches('.')
        );
        assert_eq!(Email::parse(&long).unwrap_err().reason(), "CONTENT_TOO_LONG");
    }
}
