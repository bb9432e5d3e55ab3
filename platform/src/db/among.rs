//! Rows by many keys: one statement text for any count where the database can, so that it is prepared
//! once and keeps no other statement out of a connection's memory.

use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, Value, sea_query::Expr};

/// That a column is one of these values: `= ANY($1)` on PostgreSQL, an IN list on SQLite.
///
/// SQLite binds at most 32,766 values, so ask in pieces.
pub fn among<V: Into<Value>>(
    db: &impl ConnectionTrait,
    column: impl ColumnTrait,
    values: impl IntoIterator<Item = V>,
) -> Expr {
    let values: Vec<Value> = values.into_iter().map(Into::into).collect();
    match values.first() {
        Some(first) if db.get_database_backend() == DbBackend::Postgres => {
            let kind = first.array_type();
            any(column, Value::Array(kind, Some(Box::new(values))))
        }
        _ => column.is_in(values),
    }
}

fn any(column: impl ColumnTrait, values: Value) -> Expr {
    use sea_orm::sea_query::{ExprTrait, extension::postgres::PgFunc};
    Expr::col(column.as_column_ref()).eq(PgFunc::any(Expr::val(values)))
}
