//! Documents as they are executed: within all limits, and parsed once for each text.
//!
//! The router sends a fixed text for each step of a plan. Only what the text alone decides is kept;
//! variables are checked every time.

use super::{guard, kept::Kept, limits};
use crate::ApiError;
use async_graphql::{
    Request,
    parser::{parse_query, types::ExecutableDocument},
};
use std::sync::Arc;

/// How much is kept, in bytes of parsed documents.
const MAX_KEPT: u64 = 16 << 20;
/// What a token becomes, in bytes: a field, the largest thing that one token can be, is smaller. By
/// their texts alone, documents of short names would take a hundred times what they seem to.
const BYTES_PER_TOKEN: usize = 256;

/// The parsed documents of one subgraph that passed [`guard`] and [`limits`].
pub(super) struct Documents(Kept<Arc<ExecutableDocument>>);

impl Default for Documents {
    fn default() -> Self {
        Self(Kept::new(MAX_KEPT))
    }
}

impl Documents {
    /// Checks a request against all limits and gives it its parsed document.
    ///
    /// # Errors
    /// `INVALID` with the bound that is passed, or when the text is no document.
    pub(super) fn prepare(&self, request: &mut Request) -> Result<(), ApiError> {
        if let Some(document) = self.0.get(&request.query) {
            limits::check_variables(&request.variables)?;
            request.set_parsed_query(ExecutableDocument::clone(&document));
            return Ok(());
        }
        let tokens = guard::tokens(&request.query)?;
        limits::check_variables(&request.variables)?;
        let document = parse_query(&request.query)
            .map_err(|error| ApiError::invalid("query", "QUERY_SYNTAX", error.to_string()))?;
        limits::check(&document)?;
        let kept = Arc::new(document.clone());
        self.0.keep(&request.query, kept, tokens * BYTES_PER_TOKEN);
        request.set_parsed_query(document);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::{
        Positioned, Variables,
        parser::types::{DocumentOperations, Selection},
    };
    use serde_json::json;

    fn reason(documents: &Documents, request: Request) -> Option<&'static str> {
        let mut request = request;
        documents
            .prepare(&mut request)
            .err()
            .and_then(|error| error.reason())
    }

    #[test]
    fn a_document_is_the_same_the_second_time() {
        let documents = Documents::default();
        let text = "query($a: Int = 1) { b: a(v: $a) @skip(if: false) ...F } fragment F on Query { c }";
        let parsed = || {
            let mut request = Request::new(text);
            documents.prepare(&mut request).unwrap();
            format!("{:?}", request.parsed_query().unwrap())
        };
        let first = parsed();
        assert!(documents.0.get(text).is_some());
        assert_eq!(parsed(), first);
        assert_eq!(first, format!("{:?}", parse_query(text).unwrap()));
    }

    #[test]
    fn what_does_not_pass_is_refused_each_time_and_not_kept() {
        let documents = Documents::default();
        let aliases: String = (0..33).map(|number| format!("a{number}: a ")).collect();
        for (text, expected) in [
            (format!("{{ {aliases} }}"), "TOO_MANY_ALIASES"),
            ("{".repeat(100), "QUERY_TOO_DEEP"),
            (format!("{{ {} }}", "a ".repeat(3_000)), "QUERY_TOO_LONG"),
            ("{ a(".to_owned(), "QUERY_SYNTAX"),
        ] {
            for _ in 0..3 {
                assert_eq!(reason(&documents, Request::new(&text)), Some(expected), "{text}");
            }
            assert!(documents.0.get(&text).is_none());
        }
    }

    #[test]
    fn variables_are_checked_each_time() {
        let documents = Documents::default();
        let text = "query($representations: [_Any!]!) { _entities(representations: $representations) { a } }";
        let request = |many: usize| {
            let variables = json!({ "representations": vec![0; many] });
            Request::new(text).variables(Variables::from_json(variables))
        };
        for _ in 0..2 {
            assert_eq!(reason(&documents, request(1_000)), None);
            assert_eq!(
                reason(&documents, request(1_001)),
                Some("TOO_MANY_REPRESENTATIONS")
            );
        }
    }

    #[test]
    fn a_token_is_weighed_as_more_than_it_takes() {
        let document = parse_query("{ a a a a }").unwrap();
        let DocumentOperations::Single(operation) = &document.operations else {
            panic!("there is one operation");
        };
        let fields = operation.node.selection_set.node.items.len();
        // Its name is a text of its own, with its counters.
        let taken = fields * (size_of::<Positioned<Selection>>() + 32);
        assert!(fields == 4 && taken <= fields * BYTES_PER_TOKEN, "{taken}");
    }
}
