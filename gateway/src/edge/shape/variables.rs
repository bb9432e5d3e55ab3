//! What a client gives beside the text: values of variables, and the position that it goes on from.

use commons_platform::ApiError;
use hive_router::graphql_tools::static_graphql::query;
use serde_json::{Map, Number, Value, value::RawValue};
use std::{collections::BTreeMap, fmt::Write};

/// Values by the variable's name.
pub(super) type Values = BTreeMap<String, Value>;

/// A variable that stays in the text.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) default: Option<Value>,
}

/// What the client wrote for `after`.
#[derive(Debug)]
pub(super) enum After {
    /// Nothing.
    Absent,
    /// A number.
    Literal(i64),
    /// A variable, which may have to be there.
    Variable { variable: Variable, required: bool },
}

impl After {
    /// The event that the client knows last; none when it starts now.
    ///
    /// # Errors
    /// `INVALID` for what is no event's number.
    pub(super) fn find(&self, given: &Values) -> Result<Option<i64>, ApiError> {
        let number = match self {
            Self::Absent => return Ok(None),
            Self::Literal(number) => *number,
            Self::Variable { variable, required } => {
                match given.get(&variable.name).or(variable.default.as_ref()) {
                    None | Some(Value::Null) if !required => return Ok(None),
                    given => given.and_then(Value::as_i64).ok_or_else(|| {
                        ApiError::invalid("after", "AFTER_MALFORMED", "an event number is a whole number")
                    })?,
                }
            }
        };
        match number {
            0.. => Ok(Some(number)),
            _ => {
                let text = "an event number is 0 or more";
                Err(ApiError::invalid("after", "AFTER_NEGATIVE", text))
            }
        }
    }
}

/// The values that came; none when they cannot be read as the router would.
pub(super) fn read(given: Option<&RawValue>) -> Option<Values> {
    match given {
        None => Some(Values::new()),
        Some(given) => {
            let values: Option<Values> = serde_json::from_str(given.get()).ok()?;
            Some(values.unwrap_or_default())
        }
    }
}

/// A literal as the value that a variable would have; none for what JSON cannot say.
pub(super) fn of_literal(literal: &query::Value) -> Option<Value> {
    Some(match literal {
        query::Value::Variable(_) => return None,
        query::Value::Int(number) => Value::from(number.as_i64()?),
        query::Value::Float(number) => Value::Number(Number::from_f64(*number)?),
        query::Value::String(text) | query::Value::Enum(text) => Value::from(text.as_str()),
        query::Value::Boolean(value) => Value::from(*value),
        query::Value::Null => Value::Null,
        query::Value::List(values) => Value::Array(values.iter().map(of_literal).collect::<Option<_>>()?),
        query::Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| Some((name.clone(), of_literal(value)?)));
            Value::Object(fields.collect::<Option<Map<_, _>>>()?)
        }
    })
}

/// JSON in one spelling: no space, keys sorted at every depth.
pub(super) fn canonical(values: &Values) -> String {
    let mut text = String::new();
    write_fields(&mut text, values.iter());
    text
}

fn write_fields<'v>(text: &mut String, fields: impl Iterator<Item = (&'v String, &'v Value)>) {
    text.push('{');
    for (number, (name, value)) in fields.enumerate() {
        if number > 0 {
            text.push(',');
        }
        write_leaf(text, &Value::from(name.as_str()));
        text.push(':');
        write_value(text, value);
    }
    text.push('}');
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            write_fields(text, sorted.into_iter());
        }
        Value::Array(values) => {
            text.push('[');
            for (number, value) in values.iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                write_value(text, value);
            }
            text.push(']');
        }
        leaf => write_leaf(text, leaf),
    }
}

fn write_leaf(text: &mut String, leaf: &Value) {
    write!(text, "{leaf}").expect("a text takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(json: &str) -> Values {
        read(Some(&RawValue::from_string(json.to_owned()).unwrap())).unwrap()
    }

    #[test]
    fn one_spelling_for_what_means_the_same() {
        let one = canonical(&values(r#" { "b" : [ {"y":1, "x":"\u00e9\"" } ] , "a":null} "#));
        assert_eq!(one, r#"{"a":null,"b":[{"x":"é\"","y":1}]}"#);
        assert_eq!(one, canonical(&values(&one)));
        assert_eq!(canonical(&values("null")), "{}");
    }

    #[test]
    fn what_differs_stays_different() {
        let texts = [
            r#"{"a":1}"#,
            r#"{"a":1.0}"#,
            r#"{"a":"1"}"#,
            r#"{"a":[1]}"#,
            r#"{"a":null}"#,
            "{}",
            r#"{"a":true}"#,
            r#"{"a":{}}"#,
            r#"{"a":{"1":null}}"#,
            r#"{"a\":1,\"b":1}"#,
            r#"{"a":1,"b":1}"#,
        ];
        let all: std::collections::BTreeSet<_> = texts.iter().map(|text| canonical(&values(text))).collect();
        assert_eq!(all.len(), texts.len(), "{all:?}");
    }

    #[test]
    fn what_cannot_be_read_is_left_to_the_router() {
        for json in [r#"{"a":1e999}"#, "[]", "1"] {
            assert!(
                read(Some(&RawValue::from_string(json.to_owned()).unwrap())).is_none(),
                "{json}"
            );
        }
        assert_eq!(read(None), Some(Values::new()));
    }
}
