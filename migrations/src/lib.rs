//! The schema, one history for SQLite and PostgreSQL.
//!
//! A migration never imports `entities`: it says what the tables were on its day, while entities say
//! what they are now. Migrations expand before they contract, so that two versions of a service can
//! run side by side.
#![forbid(unsafe_code)]

mod m0001_user;
mod m0002_channel;
mod m0003_message;
mod m0004_stream;
mod m0005_job;
mod m0006_moderation;
mod m0007_account;
mod m0008_cache;
mod table;

pub use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// The history, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_user::Migration),
            Box::new(m0002_channel::Migration),
            Box::new(m0003_message::Migration),
            Box::new(m0004_stream::Migration),
            Box::new(m0005_job::Migration),
            Box::new(m0006_moderation::Migration),
            Box::new(m0007_account::Migration),
            Box::new(m0008_cache::Migration),
        ]
    }
}
