//! What a failed statement says about the database: whether it is away, busy, or right.
//!
//! Unique and foreign-key violations are not told apart here: SeaORM's portable `SqlErr` does that.

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, sqlx};

/// The kinds of failures that call for different answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The connection is lost, or there is none to be had. What was sent before a COMMIT is undone;
    /// whether a COMMIT that was sent took effect is unknown.
    Gone,
    /// It answers, and a lock or a connection was not free in time. Nothing was done.
    Busy,
    /// The statement is at fault, or a row contradicts it.
    Refused,
}

impl Trouble {
    /// The kind of a failure.
    pub fn of(error: &DbErr) -> Self {
        match error {
            DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => Self::Busy,
            DbErr::ConnectionAcquire(_) => Self::Gone,
            DbErr::Conn(RuntimeErr::SqlxError(error))
            | DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)) => of_driver(error),
            DbErr::Conn(_) => Self::Gone,
            _ => Self::Refused,
        }
    }
}

fn of_driver(error: &sqlx::Error) -> Trouble {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Trouble::Gone,
        sqlx::Error::PoolTimedOut => Trouble::Busy,
        sqlx::Error::Database(error) => error.code().map_or(Trouble::Refused, |code| of_code(&code)),
        _ => Trouble::Refused,
    }
}

/// PostgreSQL's codes have five characters (appendix A of its manual), SQLite's are numbers.
fn of_code(code: &str) -> Trouble {
    match code {
        // The server ends, crashed, starts, or ended this session or transaction for taking too long.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" => Trouble::Gone,
        // Statement timeout or cancelled, lock timeout, deadlock, serialization.
        "57014" | "55P03" | "40P01" | "40001" => Trouble::Busy,
        // SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT, SQLITE_LOCKED.
        "5" | "517" | "6" => Trouble::Busy,
        // Connection exceptions; insufficient resources, such as too many connections.
        _ if code.len() == 5 && code.starts_with("08") => Trouble::Gone,
        _ if code.len() == 5 && code.starts_with("53") => Trouble::Busy,
        _ => Trouble::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart() {
        let io = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        for (error, trouble) in [
            (DbErr::Exec(RuntimeErr::SqlxError(io().into())), Trouble::Gone),
            (
                DbErr::Query(RuntimeErr::SqlxError(sqlx::Error::PoolClosed.into())),
                Trouble::Gone,
            ),
            (
                DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
                Trouble::Gone,
            ),
            (DbErr::ConnectionAcquire(ConnAcquireErr::Timeout), Trouble::Busy),
            (
                DbErr::Query(RuntimeErr::SqlxError(sqlx::Error::RowNotFound.into())),
                Trouble::Refused,
            ),
            (DbErr::Custom("?".to_owned()), Trouble::Refused),
        ] {
            assert_eq!(Trouble::of(&error), trouble, "{error}");
        }
        for (code, trouble) in [
            ("57P01", Trouble::Gone),
            ("08006", Trouble::Gone),
            ("25P03", Trouble::Gone),
            ("55P03", Trouble::Busy),
            ("53300", Trouble::Busy),
            ("5", Trouble::Busy),
            ("23505", Trouble::Refused),
            ("2067", Trouble::Refused),
            ("530", Trouble::Refused),
        ] {
            assert_eq!(of_code(code), trouble, "{code}");
        }
    }
}
