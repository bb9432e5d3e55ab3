//! Which schema this program is made for, and whether the database has it.
//!
//! Migrations are elsewhere and run by `commons migrate` or the all-in-one start; a service only looks.

use super::Db;
use sea_orm::{
    ConnectionTrait, DbErr,
    sea_query::{Expr, ExprTrait, Query},
};

/// The name of the last migration that this program knows.
pub const SCHEMA: &str = "m0008_cache";

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It has another schema.
    #[error(
        "the database has the schema {found}, this program wants {SCHEMA}: \
         run `commons migrate` of the same version, or start the version that fits"
    )]
    Other {
        /// The last migration that ran.
        found: String,
    },
    /// It cannot be read.
    #[error("database: {0}")]
    Database(#[from] DbErr),
}

impl Db {
    /// Makes sure that the database has the schema of this program.
    ///
    /// # Errors
    /// When it has another one, or none, or the database fails.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        let newest = Query::select()
            .expr(Expr::col("version").max())
            .from("seaql_migrations")
            .to_owned();
        let found: Option<String> = match self.reader.query_one(&newest).await {
            Ok(row) => row.map(|row| row.try_get_by_index(0)).transpose()?.flatten(),
            // The table comes with the first migration; a database that cannot be reached fails again.
            Err(_) if self.ping().await => None,
            Err(error) => return Err(error.into()),
        };
        match found {
            Some(found) if found == SCHEMA => Ok(()),
            found => Err(SchemaError::Other {
                found: found.unwrap_or_else(|| "of an empty database".to_owned()),
            }),
        }
    }
}
