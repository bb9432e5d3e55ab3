//! Why a text is refused.

/// Why a text is refused. `what` names the text in plain English: "message", "channel name".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Nothing a reader could see is in it.
    #[error("the {what} is empty")]
    Empty {
        /// The text refused.
        what: &'static str,
    },
    /// It has fewer characters (Unicode scalar values) than it needs.
    #[error("the {what} needs at least {min} characters")]
    TooShort {
        /// The text refused.
        what: &'static str,
        /// The least number of characters.
        min: usize,
    },
    /// It has more characters (Unicode scalar values) than allowed.
    #[error("the {what} may have at most {max} characters")]
    TooLong {
        /// The text refused.
        what: &'static str,
        /// The greatest number of characters.
        max: usize,
    },
    /// It holds a character that controls the display instead of being seen.
    #[error("the {what} holds a control character")]
    ControlCharacter {
        /// The text refused.
        what: &'static str,
    },
    /// It doesn't have the form of its kind.
    #[error("the {what} is malformed: {rule}")]
    Malformed {
        /// The text refused.
        what: &'static str,
        /// The form it should have.
        rule: &'static str,
    },
}

impl ContentError {
    /// A stable word for programs: it never changes once it is published.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "CONTENT_EMPTY",
            Self::TooShort { .. } => "CONTENT_TOO_SHORT",
            Self::TooLong { .. } => "CONTENT_TOO_LONG",
            Self::ControlCharacter { .. } => "CONTENT_CONTROL_CHARACTER",
            Self::Malformed { .. } => "CONTENT_MALFORMED",
        }
    }
}
