//! What leaves: every error gets a code from the closed set, and nothing that tells of the inside.
//!
//! Errors of our own subgraphs have such a code and pass. The router's own codes are of three kinds:
//! about the client's input (`INVALID`, its message is made from the input alone), about a subgraph
//! that does not answer (`UNAVAILABLE`), and everything else (`INTERNAL`). The last two are logged and
//! leave with a message of ours.

use bytes::Bytes;
use commons_platform::{ApiError, Code};
use memchr::memmem;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json, value::RawValue};
use std::borrow::Cow;

/// Names the request in each error: what somebody quotes who asks for help.
const REQUEST_ID: &str = "requestId";

/// The router's codes for a client's input, but for validation, whose codes are the rules' names.
const INPUT: [&str; 27] = [
    "BAD_REQUEST",
    "BAD_USER_INPUT",
    "COST_ESTIMATED_TOO_EXPENSIVE",
    "COST_INVALID_SLICING_ARGUMENTS",
    "CSRF_PREVENTION_FAILED",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "INTROSPECTION_DISABLED",
    "INVALID_HEADER",
    "MAX_ALIASES_EXCEEDED",
    "MAX_DEPTH_EXCEEDED",
    "MAX_DIRECTIVES_EXCEEDED",
    "METHOD_NOT_ALLOWED",
    "MISSING_CONTENT_TYPE_HEADER",
    "MISSING_QUERY_PARAM",
    "MUTATION_NOT_ALLOWED_OVER_HTTP_GET",
    "OPERATION_RESOLUTION_FAILURE",
    "PERSISTED_DOCUMENT_EXTRACTION_FAILED",
    "PERSISTED_DOCUMENT_ID_REQUIRED",
    "PERSISTED_DOCUMENT_NOT_FOUND",
    "REQUEST_HEADER_FIELDS_TOO_LARGE",
    "SUBSCRIPTIONS_NOT_SUPPORTED",
    "SUBSCRIPTIONS_TRANSPORT_NOT_SUPPORTED",
    "TOKEN_LIMIT_EXCEEDED",
    "UNPROCESSABLE_QUERY_PARAMS",
    "UNSUPPORTED_CONTENT_ENCODING",
    "UNSUPPORTED_CONTENT_TYPE",
];

/// An answer as it may leave.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// GraphQL JSON.
    pub(crate) json: Bytes,
    /// Whether the request was refused as a whole: errors, and no `data` beside them.
    pub(crate) refused: bool,
    /// The code of its first error.
    pub(crate) code: Option<Code>,
}

impl Reply {
    /// The answer of the router, its errors mapped.
    pub(crate) fn of_router(json: Bytes, request_id: &str) -> Self {
        // Most answers have no errors, and then this is all that is done.
        if memmem::find(&json, b"\"errors\"").is_none() {
            return Self::without_errors(json);
        }
        match serde_json::from_slice::<Body<'_>>(&json) {
            Ok(Body { errors: None, .. }) => Self::without_errors(json),
            Ok(Body {
                data,
                errors: Some(errors),
            }) => {
                let refused = data.is_none();
                let errors: Vec<_> = errors.into_iter().map(|error| error.mapped(request_id)).collect();
                Self {
                    code: errors.first().and_then(Error::code),
                    json: encode(&Outgoing { data, errors }),
                    refused,
                }
            }
            Err(error) => {
                tracing::error!(request_id, %error, "the router's answer is not GraphQL JSON");
                Self::broken(request_id)
            }
        }
    }

    /// The answer to a request that the gateway itself refuses.
    pub(crate) fn refusal(error: ApiError, request_id: &str) -> Self {
        let code = Some(error.code());
        let error: async_graphql::Error = error.into();
        let mut extensions = error.extensions.unwrap_or_default();
        extensions.set(REQUEST_ID, request_id);
        Self {
            json: encode(&json!({ "errors": [{ "message": error.message, "extensions": extensions }] })),
            refused: true,
            code,
        }
    }

    /// What a subscription ends with whose client does not keep up: it goes on after `seq`.
    pub(crate) fn lagged(seq: i64, request_id: &str) -> Self {
        let message = "events came faster than you read them: subscribe again with `after`";
        let extensions = json!({ "code": Code::Lagged.as_str(), "seq": seq, REQUEST_ID: request_id });
        Self {
            json: encode(&json!({ "errors": [{ "message": message, "extensions": extensions }] })),
            refused: true,
            code: Some(Code::Lagged),
        }
    }

    fn without_errors(json: Bytes) -> Self {
        Self {
            json,
            refused: false,
            code: None,
        }
    }

    /// The answer when the router gave none that can be used; the cause is in the log.
    pub(crate) fn broken(request_id: &str) -> Self {
        let error = Outgoing {
            data: None,
            errors: vec![Error::inside(Code::Internal, request_id)],
        };
        Self {
            json: encode(&error),
            refused: true,
            code: Some(Code::Internal),
        }
    }

    /// The `errors` of an answer that is nothing else.
    pub(crate) fn errors(&self) -> Option<Box<RawValue>> {
        #[derive(Deserialize)]
        struct Errors {
            errors: Box<RawValue>,
        }
        serde_json::from_slice::<Errors>(&self.json)
            .ok()
            .map(|body| body.errors)
    }
}

fn encode(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("texts and JSON are JSON").into()
}

#[derive(Deserialize)]
struct Body<'a> {
    // `null` and nothing are different answers.
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<Vec<Error<'a>>>,
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(value: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

#[derive(Serialize)]
struct Outgoing<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    errors: Vec<Error<'a>>,
}

#[derive(Deserialize, Serialize)]
struct Error<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    locations: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    path: Option<&'a RawValue>,
    #[serde(default)]
    extensions: Map<String, Value>,
}

impl Error<'_> {
    fn inside(code: Code, request_id: &str) -> Self {
        let message = match code {
            Code::Unavailable => "a part of the service does not answer, try again",
            _ => "something went wrong inside",
        };
        let extensions = [("code", code.as_str()), (REQUEST_ID, request_id)];
        Self {
            message: message.into(),
            locations: None,
            path: None,
            extensions: extensions
                .map(|(key, value)| (key.to_owned(), value.into()))
                .into_iter()
                .collect(),
        }
    }

    fn of(mut self, request_id: &str) -> Self {
        self.extensions.insert(REQUEST_ID.to_owned(), request_id.into());
        self
    }

    fn code(&self) -> Option<Code> {
        let code = self.extensions.get("code")?.as_str()?;
        Code::ALL.into_iter().find(|known| known.as_str() == code)
    }

    fn mapped(mut self, request_id: &str) -> Self {
        let said = self
            .extensions
            .get("code")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        match translate(&said) {
            Meaning::Ours => {
                self.extensions
                    .retain(|key, _| matches!(key.as_str(), "code" | "reason" | "field" | "retryAfter"));
                self.of(request_id)
            }
            Meaning::Input => {
                self.extensions.clear();
                self.extensions
                    .insert("code".to_owned(), Code::Invalid.as_str().into());
                self.extensions.insert("reason".to_owned(), reason(&said).into());
                self.of(request_id)
            }
            Meaning::Inside(code) => {
                tracing::error!(request_id, code = said, message = %self.message, "the router failed");
                Self {
                    path: self.path,
                    ..Self::inside(code, request_id)
                }
            }
        }
    }
}

enum Meaning {
    Ours,
    Input,
    Inside(Code),
}

fn translate(said: &str) -> Meaning {
    if Code::ALL.iter().any(|code| code.as_str() == said) {
        Meaning::Ours
    } else if INPUT.contains(&said) || is_rule(said) {
        Meaning::Input
    } else if said.starts_with("SUBGRAPH_")
        || said.starts_with("SUBREQUEST_")
        || said.starts_with("WS_")
        || said == "GATEWAY_TIMEOUT"
        || said == "NO_SUPERGRAPH_AVAILABLE"
    {
        Meaning::Inside(Code::Unavailable)
    } else {
        Meaning::Inside(Code::Internal)
    }
}

/// Validation errors carry the name of the rule, in camel case; all other codes are upper case.
fn is_rule(said: &str) -> bool {
    said.starts_with(|first: char| first.is_ascii_uppercase())
        && said.contains(|any: char| any.is_ascii_lowercase())
}

/// The domain's own word for what the router says, as our own checks would put it.
fn reason(said: &str) -> &str {
    match said {
        "GRAPHQL_PARSE_FAILED" => "QUERY_SYNTAX",
        "MAX_DEPTH_EXCEEDED" => "QUERY_TOO_DEEP",
        "MAX_ALIASES_EXCEEDED" => "TOO_MANY_ALIASES",
        "MAX_DIRECTIVES_EXCEEDED" => "TOO_MANY_DIRECTIVES",
        "TOKEN_LIMIT_EXCEEDED" => "QUERY_TOO_LONG",
        "BAD_USER_INPUT" => "VARIABLES",
        "OPERATION_RESOLUTION_FAILURE" => "OPERATION_NAME",
        said if is_rule(said) => "QUERY_INVALID",
        said => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(json: &str) -> Value {
        serde_json::from_slice(&Reply::of_router(Bytes::copy_from_slice(json.as_bytes()), "r1").json).unwrap()
    }

    #[test]
    fn answers_without_errors_pass_untouched() {
        for json in [
            r#"{"data":{"a":"the \"errors\" of my life"}}"#,
            r#"{"data":{"errors":[]}}"#,
            r#"{"data":null}"#,
        ] {
            let reply = Reply::of_router(Bytes::copy_from_slice(json.as_bytes()), "r1");
            assert_eq!(reply.json, json);
            assert!(!reply.refused);
        }
    }

    #[test]
    fn our_codes_keep_their_words_and_lose_the_router_s() {
        let body = r#"{"data":{"a":null},"errors":[{"message":"no","path":["a"],"extensions":{"code":"FORBIDDEN","reason":"KICK","field":"x","retryAfter":1,"serviceName":"user","affectedPath":"a"}}]}"#;
        assert_eq!(
            mapped(body),
            json!({"data": {"a": null}, "errors": [{"message": "no", "path": ["a"], "extensions": {"code": "FORBIDDEN", "reason": "KICK", "field": "x", "retryAfter": 1, "requestId": "r1"}}]})
        );
    }

    #[test]
    fn the_inside_stays_inside() {
        let body = r#"{"data":null,"errors":[{"message":"Failed to connect to http://127.0.0.1:41234","extensions":{"code":"SUBGRAPH_WEBSOCKET_CONNECT_FAILURE","serviceName":"user"}},{"message":"secret"},{"message":"secret","extensions":{"code":"QUERY_PLAN_BUILD_FAILED"}}]}"#;
        let text = mapped(body).to_string();
        assert!(
            !text.contains("127.0.0.1") && !text.contains("secret") && !text.contains("serviceName"),
            "{text}"
        );
        let codes: Vec<_> = mapped(body)["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["extensions"]["code"].clone())
            .collect();
        assert_eq!(codes, ["UNAVAILABLE", "INTERNAL", "INTERNAL"]);
        assert_eq!(mapped(body)["data"], Value::Null);
    }

    #[test]
    fn what_the_client_did_is_named() {
        let body = r#"{"errors":[{"message":"Unknown field","extensions":{"code":"FieldsOnCorrectType"}}]}"#;
        let reply = Reply::of_router(Bytes::copy_from_slice(body.as_bytes()), "r1");
        assert!(reply.refused);
        assert_eq!(
            serde_json::from_slice::<Value>(&reply.json).unwrap(),
            json!({"errors": [{"message": "Unknown field", "extensions": {"code": "INVALID", "reason": "QUERY_INVALID", "requestId": "r1"}}]})
        );
        assert!(reply.errors().is_some());
    }

    #[test]
    fn what_is_no_graphql_is_a_defect() {
        let reply = Reply::of_router(Bytes::from_static(b"oops \"errors\""), "r1");
        let body: Value = serde_json::from_slice(&reply.json).unwrap();
        assert_eq!(
            body["errors"][0]["extensions"],
            json!({"code": "INTERNAL", "requestId": "r1"})
        );
    }
}
