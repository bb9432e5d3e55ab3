//! Bounds on what a parsed document may ask for.
//!
//! Fragments count as often as they are spread, but each is measured once: a bomb of fragments is
//! refused in time proportional to its text.

use crate::ApiError;
use async_graphql::{
    Name, Variables,
    parser::types::{ExecutableDocument, FragmentDefinition, Selection, SelectionSet},
};
use async_graphql_value::ConstValue;
use std::collections::HashMap;

/// How deep selections may nest.
pub const MAX_DEPTH: usize = 12;
/// How many aliases a client's operation may have.
pub const MAX_ALIASES: usize = 30;
/// The same between the gateway and a subgraph: the live edge adds two of its own.
pub const MAX_INTERNAL_ALIASES: usize = MAX_ALIASES + 2;
/// How many directives an operation may have.
pub const MAX_DIRECTIVES: usize = 20;
/// How many fields an operation may have once its fragments are spread.
pub const MAX_FIELDS: usize = 1_000;
/// How many entities one call may ask for.
pub const MAX_REPRESENTATIONS: usize = 1_000;

/// What a selection adds up to, its fragments spread.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    depth: usize,
    aliases: usize,
    directives: usize,
    fields: usize,
}

impl Size {
    fn beside(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            fields: self.fields.saturating_add(other.fields),
        }
    }
}

/// Checks a document against all bounds of this module.
///
/// # Errors
/// `INVALID` with the bound that is passed, or when fragments spread themselves.
pub fn check(document: &ExecutableDocument) -> Result<(), ApiError> {
    let mut measure = Measure {
        fragments: &document.fragments,
        known: HashMap::new(),
    };
    for (_, operation) in document.operations.iter() {
        let own = Size {
            directives: operation.node.directives.len(),
            ..Size::default()
        };
        let size = measure.set(&operation.node.selection_set.node)?.beside(own);
        for (what, found, most, reason) in [
            ("levels", size.depth, MAX_DEPTH, "QUERY_TOO_DEEP"),
            ("aliases", size.aliases, MAX_INTERNAL_ALIASES, "TOO_MANY_ALIASES"),
            (
                "directives",
                size.directives,
                MAX_DIRECTIVES,
                "TOO_MANY_DIRECTIVES",
            ),
            ("fields", size.fields, MAX_FIELDS, "TOO_MANY_FIELDS"),
        ] {
            if found > most {
                let message = format!("the operation has more than {most} {what}");
                return Err(ApiError::invalid("query", reason, message));
            }
        }
    }
    Ok(())
}

/// Checks how many entities are asked for in one call.
///
/// # Errors
/// `INVALID` past [`MAX_REPRESENTATIONS`].
pub fn check_variables(variables: &Variables) -> Result<(), ApiError> {
    match variables.get(&Name::new("representations")) {
        Some(ConstValue::List(list)) if list.len() > MAX_REPRESENTATIONS => Err(ApiError::invalid(
            "representations",
            "TOO_MANY_REPRESENTATIONS",
            format!("ask for at most {MAX_REPRESENTATIONS} entities at once"),
        )),
        _ => Ok(()),
    }
}

struct Measure<'d> {
    fragments: &'d HashMap<Name, async_graphql::Positioned<FragmentDefinition>>,
    /// None while a fragment is being measured: meeting it then is a cycle.
    known: HashMap<&'d str, Option<Size>>,
}

impl<'d> Measure<'d> {
    fn set(&mut self, set: &'d SelectionSet) -> Result<Size, ApiError> {
        let mut total = Size::default();
        for selection in &set.items {
            total = total.beside(self.selection(&selection.node)?);
        }
        Ok(total)
    }

    fn selection(&mut self, selection: &'d Selection) -> Result<Size, ApiError> {
        let (inner, directives) = match selection {
            Selection::Field(field) => {
                let field = &field.node;
                let mut size = self.set(&field.selection_set.node)?;
                size.depth += 1;
                size.fields = size.fields.saturating_add(1);
                size.aliases = size.aliases.saturating_add(usize::from(field.alias.is_some()));
                (size, &field.directives)
            }
            Selection::InlineFragment(inline) => (
                self.set(&inline.node.selection_set.node)?,
                &inline.node.directives,
            ),
            Selection::FragmentSpread(spread) => (
                self.fragment(spread.node.fragment_name.node.as_str())?,
                &spread.node.directives,
            ),
        };
        Ok(inner.beside(Size {
            directives: directives.len(),
            ..Size::default()
        }))
    }

    fn fragment(&mut self, name: &'d str) -> Result<Size, ApiError> {
        match self.known.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                return Err(ApiError::invalid(
                    "query",
                    "FRAGMENT_CYCLE",
                    "a fragment spreads itself",
                ));
            }
            None => {}
        }
        // An unknown fragment is the schema's to refuse.
        let Some((_, fragment)) = self.fragments.iter().find(|(known, _)| known.as_str() == name) else {
            return Ok(Size::default());
        };
        self.known.insert(name, None);
        let own = Size {
            directives: fragment.node.directives.len(),
            ..Size::default()
        };
        let size = self.set(&fragment.node.selection_set.node)?.beside(own);
        self.known.insert(name, Some(size));
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;
    use std::fmt::Write;

    fn reason(document: &str) -> Option<&'static str> {
        check(&parse_query(document).unwrap())
            .err()
            .and_then(|error| error.reason())
    }

    #[test]
    fn each_bound_holds() {
        assert_eq!(
            reason(&format!("{{{}a{}}}", "a{".repeat(11), "}".repeat(11))),
            None
        );
        assert_eq!(
            reason(&format!("{{{}a{}}}", "a{".repeat(12), "}".repeat(12))),
            Some("QUERY_TOO_DEEP")
        );
        let aliases = |count: usize| (0..count).map(|i| format!("a{i}:a ")).collect::<String>();
        assert_eq!(reason(&format!("{{{}}}", aliases(32))), None);
        assert_eq!(reason(&format!("{{{}}}", aliases(33))), Some("TOO_MANY_ALIASES"));
        assert_eq!(reason(&format!("{{a {}}}", "@x ".repeat(20))), None);
        assert_eq!(
            reason(&format!("{{a {}}}", "@x ".repeat(21))),
            Some("TOO_MANY_DIRECTIVES")
        );
    }

    #[test]
    fn a_bomb_of_fragments_is_refused_quickly() {
        let mut document = String::from("{...f0}");
        for i in 0..200 {
            write!(document, "fragment f{i} on Q{{...f{n} ...f{n}}}", n = i + 1).unwrap();
        }
        document.push_str("fragment f200 on Q{a}");
        assert_eq!(reason(&document), Some("TOO_MANY_FIELDS"));
    }

    #[test]
    fn a_cycle_of_fragments_is_refused() {
        assert_eq!(
            reason("{...a} fragment a on Q{...b} fragment b on Q{...a}"),
            Some("FRAGMENT_CYCLE")
        );
    }
}
