//! Raw SQL for what is compared with the product, and for checking it.

use sea_orm::{DbBackend, Statement, Value};

/// A statement with its values in the order of their marks.
pub(crate) fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
}
