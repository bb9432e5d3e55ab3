//! The column types of the house, so that every migration spells them the same.
//!
//! Nothing here may change once released: it would rewrite history.

use sea_orm_migration::{prelude::*, schema::*};

/// A table with its columns and its primary key.
pub(crate) fn table(
    name: &'static str,
    columns: Vec<ColumnDef>,
    key: &[&'static str],
) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name);
    for column in columns {
        table.col(column);
    }
    let mut primary = Index::create();
    for column in key {
        primary.col(*column);
    }
    table.primary_key(&mut primary).to_owned()
}

/// A required column.
pub(crate) fn id(name: &'static str) -> ColumnDef {
    uuid(name)
}

/// An id that may be absent.
pub(crate) fn id_null(name: &'static str) -> ColumnDef {
    uuid_null(name)
}

/// A required point in time, UTC.
pub(crate) fn at(name: &'static str) -> ColumnDef {
    timestamp_with_time_zone(name)
}

/// A point in time that may be absent.
pub(crate) fn at_null(name: &'static str) -> ColumnDef {
    timestamp_with_time_zone_null(name)
}

/// A text from a closed set.
pub(crate) fn one_of(name: &'static str, words: &[&'static str]) -> ColumnDef {
    text(name)
        .check(Expr::col(name).is_in(words.iter().copied()))
        .to_owned()
}

/// A revision that every update raises.
pub(crate) fn revision() -> ColumnDef {
    big_integer("rev").default(1).to_owned()
}

/// An index over columns.
pub(crate) fn index(
    name: &'static str,
    table: &'static str,
    columns: &[&'static str],
) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

/// A reference to another table of the same domain.
pub(crate) fn refers(
    name: &'static str,
    from: (&'static str, &[&'static str]),
    to: (&'static str, &[&'static str]),
) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.name(name).from_tbl(from.0).to_tbl(to.0);
    for column in from.1 {
        key.from_col(*column);
    }
    for column in to.1 {
        key.to_col(*column);
    }
    key.on_delete(ForeignKeyAction::Cascade).to_owned()
}

/// Creates tables and indexes in order.
pub(crate) async fn create(
    manager: &SchemaManager<'_>,
    tables: Vec<TableCreateStatement>,
    indexes: Vec<IndexCreateStatement>,
) -> Result<(), DbErr> {
    for table in tables {
        manager.create_table(table).await?;
    }
    for index in indexes {
        manager.create_index(index).await?;
    }
    Ok(())
}

/// Drops tables in order.
pub(crate) async fn drop(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(*table).to_owned()).await?;
    }
    Ok(())
}
