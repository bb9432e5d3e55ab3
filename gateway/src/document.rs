//! What is checked of a document before the router sees it: what its fragments add up to, and
//! whether it changes anything.
//!
//! Nesting and tokens are bounded before parsing ([`guard`]); depth and directives by the router itself.
//! What its fragments add up to is measured here ([`measure`]). What passes is kept: clients send the same
//! few texts.

mod measure;

use self::measure::Measure;
use commons_platform::{
    ApiError,
    graphql::{guard, kept::Kept},
};
use hive_router::graphql_tools::parser::query::{self, Definition, Document, OperationDefinition};
use std::sync::{Arc, LazyLock};

/// How much is kept of the documents that passed, in bytes.
const MAX_KEPT: u64 = 4 << 20;

/// The operations of the documents that passed.
static PASSED: LazyLock<Kept<Arc<[Known]>>> = LazyLock::new(|| Kept::new(MAX_KEPT));

/// How much of an operation's name is kept.
const MAX_NAME: usize = 64;

/// What an operation is, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About {
    /// `query`, `mutation`, `subscription`, or `-` where it cannot be told.
    pub(crate) kind: &'static str,
    /// What the client calls it.
    pub(crate) name: Option<String>,
}

impl Default for About {
    fn default() -> Self {
        Self {
            kind: "-",
            name: None,
        }
    }
}

/// An operation of a document that passed.
struct Known {
    kind: &'static str,
    name: Option<Box<str>>,
}

/// Refuses a document that is too costly to look at, or whose fragments are; tells what the operation is
/// that would run.
///
/// A document that does not parse passes: the router says what is wrong with it.
///
/// # Errors
/// `INVALID` with the bound that is passed.
pub(crate) fn check(query: &str, operation_name: Option<&str>) -> Result<About, ApiError> {
    if let Some(operations) = PASSED.get(query) {
        return Ok(about(&operations, operation_name));
    }
    guard::check(query)?;
    let Ok(document) = query::parse_query::<&str>(query) else {
        return Ok(About::default());
    };
    Measure::new(&document).check(&document)?;
    let operations = operations(&document);
    let about = about(&operations, operation_name);
    // Their names are parts of the text.
    let bytes = size_of_val(&*operations) + query.len();
    PASSED.keep(query, operations, bytes);
    Ok(about)
}

fn operations<'d>(document: &Document<'d, &'d str>) -> Arc<[Known]> {
    let operations = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::Operation(operation) => Some(match operation {
                OperationDefinition::SelectionSet(_) => ("query", None),
                OperationDefinition::Query(query) => ("query", query.name),
                OperationDefinition::Mutation(mutation) => ("mutation", mutation.name),
                OperationDefinition::Subscription(subscription) => ("subscription", subscription.name),
            }),
            Definition::Fragment(_) => None,
        });
    let known = operations.map(|(kind, name)| Known {
        kind,
        name: name.map(Box::from),
    });
    known.collect()
}

fn about(operations: &[Known], asked: Option<&str>) -> About {
    let named = operations
        .iter()
        .find(|operation| asked.is_none() || operation.name.as_deref() == asked);
    named.map_or_else(About::default, |operation| About {
        kind: operation.kind,
        name: operation
            .name
            .as_ref()
            .map(|name| name.chars().take(MAX_NAME).collect()),
    })
}

/// Whether the operation that would run is a mutation. A document that does not parse is none.
pub(crate) fn is_mutation(query: &str, operation_name: Option<&str>) -> bool {
    let Ok(document) = query::parse_query::<&str>(query) else {
        return false;
    };
    document.definitions.iter().any(|definition| match definition {
        Definition::Operation(OperationDefinition::Mutation(mutation)) => {
            operation_name.is_none() || mutation.name == operation_name
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_told_by_its_name() {
        let about = |query, asked| check(query, asked).unwrap();
        let known = |kind, name: &str| About {
            kind,
            name: Some(name.to_owned()),
        };
        assert_eq!(
            about("{ a }", None),
            About {
                kind: "query",
                name: None
            }
        );
        let several = "query A { a } mutation B { b } subscription C { c }";
        assert_eq!(about(several, Some("B")), known("mutation", "B"));
        assert_eq!(about(several, Some("C")), known("subscription", "C"));
        assert_eq!(about(several, Some("D")), About::default());
        assert_eq!(about("not a document", None), About::default());
    }

    #[test]
    fn mutations_are_known_by_their_name() {
        assert!(is_mutation("mutation { a }", None));
        assert!(!is_mutation("{ mutation }", None));
        let both = "query A { a } mutation B { b }";
        assert!(!is_mutation(both, Some("A")));
        assert!(is_mutation(both, Some("B")));
    }

    #[test]
    fn a_text_that_came_before_is_told_the_same() {
        let several = "query First { a } mutation Then { b }";
        for _ in 0..2 {
            for (asked, kind) in [
                (None, "query"),
                (Some("First"), "query"),
                (Some("Then"), "mutation"),
                (Some("Never"), "-"),
            ] {
                assert_eq!(check(several, asked).unwrap().kind, kind, "{asked:?}");
            }
            assert!(PASSED.get(several).is_some());
        }
    }

    #[test]
    fn what_does_not_pass_is_looked_at_each_time() {
        let circle = "{ ...Round } fragment Round on Query { ...Round }";
        for _ in 0..2 {
            assert_eq!(check(circle, None).unwrap_err().reason(), Some("FRAGMENT_CYCLE"));
            assert_eq!(check("{ unfinished(", None).unwrap(), About::default());
        }
        assert!(PASSED.get(circle).is_none() && PASSED.get("{ unfinished(").is_none());
    }
}
