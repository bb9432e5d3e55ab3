//! GraphQL text as the edge writes it: one spelling for what means the same.
//!
//! The router's own printers are not for this: one loses the variables of a subscription without a name,
//! another the indentation of texts of several lines and what stands above U+FFFF.

use hive_router::graphql_tools::static_graphql::query::{Directive, Type, Value, VariableDefinition};
use std::{collections::BTreeSet, fmt::Write};

/// Text, and which variables stand in it.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) used: BTreeSet<String>,
}

impl Text {
    /// As it is.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Begins the next of several.
    pub(super) fn next(&mut self) {
        if !self.text.ends_with(['{', '(', '[']) {
            self.text.push(' ');
        }
    }

    /// Arguments by name, however they were ordered.
    pub(super) fn arguments(&mut self, arguments: &[(String, Value)]) {
        if arguments.is_empty() {
            return;
        }
        let mut sorted: Vec<_> = arguments.iter().collect();
        sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.push("(");
        for (name, value) in sorted {
            self.argument(name, value);
        }
        self.push(")");
    }

    pub(super) fn argument(&mut self, name: &str, value: &Value) {
        self.next();
        self.push(name);
        self.push(":");
        self.value(value);
    }

    pub(super) fn directives(&mut self, directives: &[Directive]) {
        for directive in directives {
            self.push("@");
            self.push(&directive.name);
            self.arguments(&directive.arguments);
        }
    }

    /// What a variable is declared as.
    pub(super) fn definition(&mut self, definition: &VariableDefinition) {
        self.next();
        self.push("$");
        self.push(&definition.name);
        self.push(":");
        self.of(&definition.var_type);
        if let Some(default) = &definition.default_value {
            self.push("=");
            self.value(default);
        }
    }

    fn of(&mut self, of: &Type) {
        match of {
            Type::NamedType(name) => self.push(name),
            Type::ListType(of) => {
                self.push("[");
                self.of(of);
                self.push("]");
            }
            Type::NonNullType(of) => {
                self.of(of);
                self.push("!");
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Variable(name) => {
                self.used.insert(name.clone());
                self.push("$");
                self.push(name);
            }
            Value::Int(number) => self.shown(number.as_i64().unwrap_or_default()),
            // The form with a point or an exponent, which alone is a float.
            Value::Float(number) => self.shown(format_args!("{number:?}")),
            Value::String(text) => self.quoted(text),
            Value::Boolean(value) => self.shown(value),
            Value::Null => self.push("null"),
            Value::Enum(name) => self.push(name),
            Value::List(values) => {
                self.push("[");
                for value in values {
                    self.next();
                    self.value(value);
                }
                self.push("]");
            }
            Value::Object(fields) => {
                self.push("{");
                for (name, value) in fields {
                    self.argument(name, value);
                }
                self.push("}");
            }
        }
    }

    fn quoted(&mut self, text: &str) {
        self.text.push('"');
        for char in text.chars() {
            match char {
                '"' | '\\' => self.text.extend(['\\', char]),
                char if char.is_ascii_control() => self.shown(format_args!("\\u{:04x}", u32::from(char))),
                char => self.text.push(char),
            }
        }
        self.text.push('"');
    }

    fn shown(&mut self, value: impl std::fmt::Display) {
        write!(self.text, "{value}").expect("a text takes everything");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hive_router::{
        graphql_tools::static_graphql::query::{Definition, OperationDefinition, Selection},
        query_planner::utils::parsing::parse_operation,
    };

    fn arguments(text: &str) -> Vec<(String, Value)> {
        let document = parse_operation(&format!("{{field({text})}}"));
        let Some(Definition::Operation(OperationDefinition::SelectionSet(set))) =
            document.definitions.first()
        else {
            panic!("a selection");
        };
        let Some(Selection::Field(field)) = set.items.first() else {
            panic!("a field");
        };
        field.arguments.clone()
    }

    fn written(arguments: &[(String, Value)]) -> String {
        let mut text = Text::default();
        text.arguments(arguments);
        text.text
    }

    #[test]
    fn values_keep_their_meaning() {
        for text in [
            r#"a:"plain""#,
            r#"a:"\"quoted\" \\ \\\" \/""#,
            r#"a:"😀 \" é \u2028 \u0000\u0010\u0016\u001f""#,
            r#"a:"tab\tline\nreturn\r""#,
            "a:\"\"\"\n    two\n      lines \\\"\"\" of it\n    \"\"\"",
            r#"a:"  indented\n    more""#,
            "a:-0 b:9223372036854775807 c:-9223372036854775808",
            "a:1.0 b:-0.5 c:1e21 d:123456789012345678901234567890.0 e:1.5E-10",
            "a:true b:false c:null d:RED",
            "a:[1 2,[] {b:{} c:[null]}] b:{x:\"y\" z:$v}",
        ] {
            let once = arguments(text);
            let written = written(&once);
            let again = arguments(written.trim_start_matches('(').trim_end_matches(')'));
            assert_eq!(once, again, "{written}");
        }
    }

    #[test]
    fn one_spelling_for_what_means_the_same() {
        let one = written(&arguments(r#"b : "A"  , a:[ 1,2 ]"#));
        assert_eq!(one, r#"(a:[1 2] b:"A")"#);
        assert_eq!(one, written(&arguments("a:[1 2]b:\"\"\"A\"\"\"")));
    }

    #[test]
    fn variables_are_noticed() {
        let mut text = Text::default();
        text.arguments(&arguments("a:$one b:[{c:$two}] d:\"$three\""));
        assert_eq!(text.used.iter().collect::<Vec<_>>(), ["one", "two"]);
    }
}
