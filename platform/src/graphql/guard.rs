//! Refuses documents that would be costly or deadly to parse, before they are parsed.
//!
//! The parser recurses on value literals and selections: a few kilobytes of brackets end the process.
//! One pass over the text, aware of strings and comments, bounds nesting and the number of tokens.

/// How deep brackets of any kind may nest.
pub const MAX_DEPTH: usize = 64;
/// How many tokens a document may have.
pub const MAX_TOKENS: usize = 2_000;

/// Why a document is refused unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Brackets nest too deep.
    #[error("the document nests deeper than {MAX_DEPTH} brackets")]
    TooDeep,
    /// There are too many tokens.
    #[error("the document has more than {MAX_TOKENS} tokens")]
    TooManyTokens,
}

impl Refused {
    /// The domain's own word.
    pub fn reason(self) -> &'static str {
        match self {
            Self::TooDeep => "QUERY_TOO_DEEP",
            Self::TooManyTokens => "QUERY_TOO_LONG",
        }
    }
}

impl From<Refused> for crate::ApiError {
    fn from(refused: Refused) -> Self {
        Self::invalid("query", refused.reason(), refused.to_string())
    }
}

/// Checks a GraphQL document; strings, block strings and comments do not count as brackets.
///
/// # Errors
/// When it nests deeper than [`MAX_DEPTH`] or has more than [`MAX_TOKENS`] tokens.
pub fn check(document: &str) -> Result<(), Refused> {
    tokens(document).map(drop)
}

/// How many tokens a document has.
///
/// # Errors
/// As [`check`].
pub fn tokens(document: &str) -> Result<usize, Refused> {
    let bytes = document.as_bytes();
    let (mut at, mut depth, mut tokens) = (0, 0usize, 0usize);
    while at < bytes.len() {
        let byte = bytes[at];
        let end = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' | 0xEF | 0xBB | 0xBF => {
                at += 1;
                continue;
            }
            b'#' => {
                at = skip_while(bytes, at, |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'"' => string_end(bytes, at),
            b'(' | b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Refused::TooDeep);
                }
                at + 1
            }
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                at + 1
            }
            _ if is_word(byte) => skip_while(bytes, at, is_word),
            _ => at + 1,
        };
        tokens += 1;
        if tokens > MAX_TOKENS {
            return Err(Refused::TooManyTokens);
        }
        at = end;
    }
    Ok(tokens)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn skip_while(bytes: &[u8], from: usize, keep: impl Fn(u8) -> bool) -> usize {
    bytes[from..]
        .iter()
        .position(|byte| !keep(*byte))
        .map_or(bytes.len(), |length| from + length)
}

/// Behind the string that starts at `from`; the end of the line or text when it does not close.
fn string_end(bytes: &[u8], from: usize) -> usize {
    if bytes[from..].starts_with(b"\"\"\"") {
        let mut at = from + 3;
        while at < bytes.len() {
            if bytes[at..].starts_with(b"\\\"\"\"") {
                at += 4;
            } else if bytes[at..].starts_with(b"\"\"\"") {
                return at + 3;
            } else {
                at += 1;
            }
        }
        return bytes.len();
    }
    let mut at = from + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            // A string cannot span lines: what follows is read as brackets again, to be safe.
            b'\n' | b'\r' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bombs_of_every_bracket_are_refused() {
        for size in [65, 100, 1_000, 10_000] {
            for (open, close) in [("[", "]"), ("{a:", "}"), ("(", ")"), ("{a", "}")] {
                let bomb = format!("query($v:X={}1{}){{a}}", open.repeat(size), close.repeat(size));
                assert!(check(&bomb).is_err(), "{size} of {open}");
                assert!(check(&format!("{{a(v:{})}}", open.repeat(size))).is_err());
            }
        }
    }

    #[test]
    fn brackets_in_strings_and_comments_are_text() {
        let text = "(".repeat(65);
        for document in [
            format!("{{a(v:\"{text}\")}}"),
            format!("{{a(v:\"\\\"{text}\")}}"),
            format!("{{a(v:\"\"\"{text}\\\"\"\"{text}\"\"\")}}"),
            format!("# {text}\n{{a}}"),
        ] {
            assert_eq!(check(&document), Ok(()), "{document}");
        }
    }

    #[test]
    fn a_string_that_does_not_close_hides_nothing() {
        let bomb = format!("{{a(v:\"\n{}", "[".repeat(100));
        assert_eq!(check(&bomb), Err(Refused::TooDeep));
        let after = format!("{{a(v:\"\"){}", "[".repeat(100));
        assert_eq!(check(&after), Err(Refused::TooDeep));
    }

    #[test]
    fn tokens_are_counted() {
        assert_eq!(tokens("query A($b: Int = 1) { c(d: \"e f\") } # g"), Ok(18));
        assert_eq!(check(&format!("{{{}}}", "a ".repeat(1_998))), Ok(()));
        assert_eq!(
            check(&format!("{{{}}}", "a ".repeat(1_999))),
            Err(Refused::TooManyTokens)
        );
    }
}
