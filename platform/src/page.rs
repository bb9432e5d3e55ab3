//! Paging: one set of arguments, one cursor, one page.
//!
//! A list is paged by a key that the database can seek to; a cursor is that key behind a kind, so
//! that a cursor of another list does not parse.

use crate::ApiError;
use async_graphql::{
    OutputType,
    connection::{Connection, Edge},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// How many items a page has when nobody says.
pub const DEFAULT_SIZE: u64 = 50;
/// How many items a page has at most.
pub const MAX_SIZE: u64 = 100;

/// Which way a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The first items after a cursor.
    Forward,
    /// The last items before a cursor.
    Backward,
}

/// The checked arguments of a connection field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageArgs {
    /// Which way.
    pub direction: Direction,
    /// How many items, 1 to 100.
    pub size: u64,
    /// Where from; the end of the list when absent.
    pub cursor: Option<Cursor>,
}

impl PageArgs {
    /// Checks `first`/`after` or `last`/`before`; without a number, [`DEFAULT_SIZE`].
    ///
    /// # Errors
    /// `INVALID` when both directions are asked for, a size is outside 1–100 or a cursor is malformed.
    pub fn new(
        first: Option<i32>,
        after: Option<&str>,
        last: Option<i32>,
        before: Option<&str>,
    ) -> Result<Self, ApiError> {
        let backward = last.is_some() || before.is_some();
        if backward && (first.is_some() || after.is_some()) {
            return Err(ApiError::invalid(
                if last.is_some() { "last" } else { "before" },
                "PAGE_BOTH_WAYS",
                "use first and after, or last and before, not both",
            ));
        }
        if backward {
            Ok(Self {
                direction: Direction::Backward,
                size: size("last", last)?,
                cursor: before.map(|text| Cursor::parse("before", text)).transpose()?,
            })
        } else {
            Ok(Self {
                direction: Direction::Forward,
                size: size("first", first)?,
                cursor: after.map(|text| Cursor::parse("after", text)).transpose()?,
            })
        }
    }

    /// Checks `first` and `after` of a list that is only read forward.
    ///
    /// # Errors
    /// As [`PageArgs::new`].
    pub fn forward(first: Option<i32>, after: Option<&str>) -> Result<Self, ApiError> {
        Self::new(first, after, None, None)
    }

    /// The key behind the cursor, if there is a cursor.
    ///
    /// # Errors
    /// `INVALID` when the cursor is of another list.
    pub fn key<K: CursorKey>(&self, list: &str) -> Result<Option<K>, ApiError> {
        self.cursor.as_ref().map(|cursor| cursor.key(list)).transpose()
    }
}

fn size(field: &'static str, asked: Option<i32>) -> Result<u64, ApiError> {
    let Some(asked) = asked else {
        return Ok(DEFAULT_SIZE);
    };
    u64::try_from(asked)
        .ok()
        .filter(|size| (1..=MAX_SIZE).contains(size))
        .ok_or_else(|| {
            ApiError::invalid(
                field,
                "PAGE_SIZE",
                format!("{field} must be from 1 to {MAX_SIZE}"),
            )
        })
}

/// A place in a list, opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    field: &'static str,
    text: String,
}

impl Cursor {
    /// The cursor of an item of `list` with this key.
    pub fn encode(list: &str, key: &impl CursorKey) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{list}:{}", key.to_text()))
    }

    fn parse(field: &'static str, text: &str) -> Result<Self, ApiError> {
        let malformed = || Self::malformed(field);
        if text.len() > 512 {
            return Err(malformed());
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?;
        Ok(Self {
            field,
            text: String::from_utf8(bytes).map_err(|_| malformed())?,
        })
    }

    fn key<K: CursorKey>(&self, list: &str) -> Result<K, ApiError> {
        self.text
            .strip_prefix(list)
            .and_then(|rest| rest.strip_prefix(':'))
            .and_then(K::from_text)
            .ok_or_else(|| Self::malformed(self.field))
    }

    fn malformed(field: &'static str) -> ApiError {
        ApiError::invalid(field, "CURSOR_MALFORMED", "this cursor is not from this list")
    }
}

/// What a cursor may hold.
pub trait CursorKey: Sized {
    /// The key as text.
    fn to_text(&self) -> String;
    /// The key behind a text, none when it is not one.
    fn from_text(text: &str) -> Option<Self>;
}

impl CursorKey for i64 {
    fn to_text(&self) -> String {
        self.to_string()
    }
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl CursorKey for uuid::Uuid {
    fn to_text(&self) -> String {
        self.simple().to_string()
    }
    fn from_text(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text).ok()
    }
}

impl CursorKey for String {
    fn to_text(&self) -> String {
        self.clone()
    }
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl<A: CursorKey, B: CursorKey> CursorKey for (A, B) {
    fn to_text(&self) -> String {
        format!("{},{}", self.0.to_text(), self.1.to_text())
    }
    fn from_text(text: &str) -> Option<Self> {
        let (a, b) = text.split_once(',')?;
        Some((A::from_text(a)?, B::from_text(b)?))
    }
}

/// A page of a list, in the list's own order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// There are items before the first.
    pub has_previous: bool,
    /// There are items after the last.
    pub has_next: bool,
}

impl<T> Page<T> {
    /// A page from `size + 1` rows read from the cursor on in the page's direction.
    ///
    /// The extra row says whether there is more; a cursor says that there is something behind it.
    pub fn from_rows(args: &PageArgs, mut rows: Vec<T>) -> Self {
        let size = usize::try_from(args.size).expect("a page size is at most 100");
        let more = rows.len() > size;
        rows.truncate(size);
        let behind = args.cursor.is_some();
        match args.direction {
            Direction::Forward => Self {
                items: rows,
                has_previous: behind,
                has_next: more,
            },
            Direction::Backward => {
                rows.reverse();
                Self {
                    items: rows,
                    has_previous: more,
                    has_next: behind,
                }
            }
        }
    }

    /// A page without items.
    pub fn empty() -> Self {
        Self {
            items: Vec::new(),
            has_previous: false,
            has_next: false,
        }
    }

    /// The page as a Relay connection: `key` names an item's place in `list`, `wrap` shows it.
    pub fn connection<K, Node>(
        self,
        list: &str,
        key: impl Fn(&T) -> K,
        mut wrap: impl FnMut(T) -> Node,
    ) -> Connection<String, Node>
    where
        K: CursorKey,
        Node: OutputType,
    {
        let mut connection = Connection::new(self.has_previous, self.has_next);
        connection.edges.extend(self.items.into_iter().map(|item| {
            let cursor = Cursor::encode(list, &key(&item));
            Edge::new(cursor, wrap(item))
        }));
        connection
    }

    /// The same page over other items.
    pub fn map<U>(self, wrap: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(wrap).collect(),
            has_previous: self.has_previous,
            has_next: self.has_next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn sizes_are_bounded() {
        for (first, ok) in [
            (None, true),
            (Some(1), true),
            (Some(100), true),
            (Some(0), false),
            (Some(101), false),
            (Some(-1), false),
        ] {
            assert_eq!(PageArgs::forward(first, None).is_ok(), ok, "{first:?}");
        }
        assert_eq!(
            PageArgs::new(Some(1), None, Some(1), None).unwrap_err().code(),
            Code::Invalid
        );
    }

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let text = Cursor::encode("message", &7i64);
        let args = PageArgs::forward(None, Some(&text)).unwrap();
        assert_eq!(args.key::<i64>("message").unwrap(), Some(7));
        assert_eq!(
            args.key::<i64>("guild").unwrap_err().reason(),
            Some("CURSOR_MALFORMED")
        );
        assert!(PageArgs::forward(None, Some("!")).is_err());
    }

    #[test]
    fn the_extra_row_says_there_is_more() {
        let forward = PageArgs::forward(Some(2), None).unwrap();
        assert_eq!(
            Page::from_rows(&forward, vec![1, 2, 3]),
            Page {
                items: vec![1, 2],
                has_previous: false,
                has_next: true
            }
        );
        let backward = PageArgs::new(None, None, Some(2), Some(&Cursor::encode("x", &9i64))).unwrap();
        assert_eq!(
            Page::from_rows(&backward, vec![8, 7]),
            Page {
                items: vec![7, 8],
                has_previous: false,
                has_next: true
            }
        );
    }
}
