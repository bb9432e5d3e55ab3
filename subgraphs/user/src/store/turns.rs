//! Turns of what has no row to lock yet.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

/// What only one transaction of the whole instance does at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Making the first account, which administers the instance.
    FirstAccount,
    /// Making and moving signing keys.
    SigningKeys,
    /// Making placeholders.
    Import,
}

/// Waits until no other transaction has this turn, and keeps it until this one ends. On SQLite a
/// transaction that writes is alone already.
pub async fn take_turn(tx: &impl ConnectionTrait, turn: Turn) -> Result<(), DbErr> {
    let number = match turn {
        Turn::FirstAccount => 1,
        Turn::SigningKeys => 2,
        Turn::Import => 3,
    };
    if tx.get_database_backend() == DbBackend::Postgres {
        // The first word is this domain's, so that no other one meets it by chance.
        let lock = "SELECT pg_advisory_xact_lock($1, $2)";
        let values = [0x75736572i32.into(), number.into()];
        tx.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, lock, values))
            .await?;
    }
    Ok(())
}
