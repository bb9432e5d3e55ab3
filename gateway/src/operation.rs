//! One operation as a client sends it: read strictly, bounded before anything parses it.
//!
//! Only `query`, `operationName` and `variables` go on. `extensions` and what else a client adds is
//! dropped here, so that nothing behind the gateway can come to trust it.

use crate::document::{self, About};
use commons_platform::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How large a request may be, in bytes.
pub(crate) const MAX_BODY: usize = commons_platform::graphql::MAX_BODY;

/// How deep the JSON of a request may nest, from the body's own brackets on. The deepest input that the
/// schema knows needs seven; the router's stack ends below fifty.
const MAX_JSON_DEPTH: usize = 16;

/// A checked operation; serializes to the body that the router gets.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operation {
    query: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variables: Option<Box<RawValue>>,
    #[serde(skip)]
    about: About,
}

impl Operation {
    /// Reads the body of a POST.
    ///
    /// # Errors
    /// `INVALID` for anything but one operation within all bounds.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            return Err(ApiError::invalid(
                "body",
                "BATCH_REFUSED",
                "send one request at a time",
            ));
        }
        check_json_depth("body", body)?;
        let operation: Self = serde_json::from_slice(body).map_err(|_| {
            ApiError::invalid(
                "body",
                "BODY_MALFORMED",
                "the body is not a GraphQL request in JSON",
            )
        })?;
        operation.checked()
    }

    /// Reads the query string of a GET.
    ///
    /// # Errors
    /// `INVALID` for anything but one query or subscription within all bounds.
    pub(crate) fn from_query_string(text: &str) -> Result<Self, ApiError> {
        let params = GetParams::read(text)?;
        let variables = match params.variables.filter(|text| !text.trim().is_empty()) {
            Some(text) => {
                check_json_depth("variables", text.as_bytes())?;
                let malformed =
                    |_| ApiError::invalid("variables", "VARIABLES_MALFORMED", "the variables are not JSON");
                Some(RawValue::from_string(text).map_err(malformed)?)
            }
            None => None,
        };
        let query = params
            .query
            .ok_or_else(|| ApiError::invalid("query", "QUERY_MISSING", "there is no query"))?;
        let operation = Self {
            query,
            operation_name: params.operation_name,
            variables,
            about: About::default(),
        }
        .checked()?;
        if document::is_mutation(&operation.query, operation.operation_name.as_deref()) {
            return Err(ApiError::invalid(
                "method",
                "MUTATION_BY_GET",
                "send mutations with POST",
            ));
        }
        Ok(operation)
    }

    /// Whether the request was refused for its method.
    pub(crate) fn is_method_error(error: &ApiError) -> bool {
        error.reason() == Some("MUTATION_BY_GET")
    }

    /// A client's operation as the gateway has rewritten it: within the same bounds, so not checked again.
    pub(crate) fn rewritten(query: String, variables: Box<RawValue>, about: About) -> Self {
        Self {
            query,
            operation_name: None,
            variables: Some(variables),
            about,
        }
    }

    /// The document.
    pub(crate) fn query(&self) -> &str {
        &self.query
    }

    /// Which of the document's operations is meant; none when there is one.
    pub(crate) fn operation_name(&self) -> Option<&str> {
        self.operation_name.as_deref()
    }

    /// The variables: an object or null.
    pub(crate) fn variables(&self) -> Option<&RawValue> {
        self.variables.as_deref()
    }

    /// What it is, for the log and the figures.
    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    fn checked(mut self) -> Result<Self, ApiError> {
        let variables = self
            .variables
            .as_deref()
            .map(|variables| variables.get().trim_start());
        if variables.is_some_and(|text| !text.starts_with('{') && text != "null") {
            return Err(ApiError::invalid(
                "variables",
                "VARIABLES_MALFORMED",
                "the variables are not an object",
            ));
        }
        self.about = document::check(&self.query, self.operation_name.as_deref())?;
        Ok(self)
    }

    /// The body that the router gets.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and JSON are JSON")
    }
}

#[derive(Default)]
struct GetParams {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
}

impl GetParams {
    fn read(text: &str) -> Result<Self, ApiError> {
        let malformed =
            || ApiError::invalid("query", "QUERY_STRING_MALFORMED", "the query string is malformed");
        let mut params = Self::default();
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let slot = match name {
                "query" => &mut params.query,
                "operationName" => &mut params.operation_name,
                "variables" => &mut params.variables,
                _ => continue,
            };
            if slot.is_some() {
                return Err(malformed());
            }
            *slot = Some(decode(value).ok_or_else(malformed)?);
        }
        params.operation_name = params.operation_name.filter(|name| !name.is_empty());
        Ok(params)
    }
}

/// Undoes form encoding; none for a broken escape or text that is not UTF-8.
fn decode(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Bounds nesting without recursion, so that every parser behind may recurse.
fn check_json_depth(field: &'static str, json: &[u8]) -> Result<(), ApiError> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > MAX_JSON_DEPTH {
                    let message = format!("the JSON nests deeper than {MAX_JSON_DEPTH} levels");
                    return Err(ApiError::invalid(field, "JSON_TOO_DEEP", message));
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(body: &str) -> Option<&'static str> {
        Operation::from_json(body.as_bytes())
            .err()
            .and_then(|error| error.reason())
    }

    #[test]
    fn only_what_is_known_goes_on() {
        let body = r#"{"query":"{a}","variables":{"b":1},"extensions":{"user":"root"},"other":2}"#;
        let operation = Operation::from_json(body.as_bytes()).unwrap();
        assert_eq!(operation.to_json(), br#"{"query":"{a}","variables":{"b":1}}"#);
    }

    #[test]
    fn malformed_bodies_are_named() {
        assert_eq!(reason("[{\"query\":\"{a}\"}]"), Some("BATCH_REFUSED"));
        for body in [
            "",
            "{",
            "1",
            "null",
            "{}",
            "{\"query\":1}",
            "{\"query\":\"{a}\",\"query\":\"{b}\"}",
            "\u{0}",
        ] {
            assert_eq!(reason(body), Some("BODY_MALFORMED"), "{body}");
        }
        assert_eq!(
            reason("{\"query\":\"{a}\",\"variables\":[]}"),
            Some("VARIABLES_MALFORMED")
        );
        assert_eq!(reason("{\"query\":\"{a}\",\"variables\":null}"), None);
    }

    #[test]
    fn deep_json_is_refused_and_brackets_in_texts_are_not() {
        for size in [100, 10_000] {
            let body = format!(
                "{{\"query\":\"{{a}}\",\"variables\":{{\"v\":{}{}}}}}",
                "[".repeat(size),
                "]".repeat(size)
            );
            assert_eq!(reason(&body), Some("JSON_TOO_DEEP"));
        }
        let text = "(".repeat(65);
        let brackets = "[".repeat(65);
        let body = format!(r#"{{"query":"{{a(v:\"{text}\")}}","variables":{{"v":"\"{brackets}"}}}}"#);
        assert_eq!(reason(&body), None);
    }

    #[test]
    fn a_query_string_is_read_like_a_form() {
        let operation =
            Operation::from_query_string("query=%7Ba%7D+&variables=%7B%22b%22%3A1%7D&x=1").unwrap();
        assert_eq!(operation.to_json(), br#"{"query":"{a} ","variables":{"b":1}}"#);
        for (text, reason) in [
            ("", "QUERY_MISSING"),
            ("query=%7", "QUERY_STRING_MALFORMED"),
            ("query=%FF", "QUERY_STRING_MALFORMED"),
            ("query=a&query=b", "QUERY_STRING_MALFORMED"),
            ("query=%7Ba%7D&variables=%7B", "VARIABLES_MALFORMED"),
            ("query=mutation%7Ba%7D", "MUTATION_BY_GET"),
        ] {
            let error = Operation::from_query_string(text).unwrap_err();
            assert_eq!(error.reason(), Some(reason), "{text}");
        }
    }
}
