//! The sender's own word for a message.

use crate::{
    ContentError,
    text::{Rule, shown, text_type},
};

text_type! {
    /// The sender's own word for a message, so that sending again sends nothing new: 1 to 64 printable
    /// ASCII characters, kept as they are.
    Nonce = nonce
}
shown!(Nonce);

fn nonce(text: &str) -> Result<String, ContentError> {
    let rule = Rule {
        what: "nonce",
        min: 1,
        max: 64,
    };
    if text.is_empty() {
        return Err(ContentError::Empty { what: rule.what });
    }
    rule.length(text)?;
    if !text.chars().all(|c| matches!(c, ' '..='~')) {
        return Err(ContentError::Malformed {
            what: rule.what,
            rule: "printable ASCII only",
        });
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_printable_ascii() {
        assert_eq!(Nonce::parse("a-1_~").unwrap().as_str(), "a-1_~");
        assert_eq!(Nonce::parse("").unwrap_err().reason(), "CONTENT_EMPTY");
        assert_eq!(
            Nonce::parse(&"n".repeat(65)).unwrap_err().reason(),
            "CONTENT_TOO_LONG"
        );
        for bad in ["a\n", "ä", "a\u{7f}"] {
            assert_eq!(
                Nonce::parse(bad).unwrap_err().reason(),
                "CONTENT_MALFORMED",
                "{bad:?}"
            );
        }
    }
}
