//! Accounts.

use chrono::{DateTime, Utc};
use commons_content::{Bio, DisplayName, Email, HttpsUrl, Username};
use commons_entities::{
    UserId,
    user::{UserKind, user},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect,
    Select, Set,
    sea_query::{Expr, ExprTrait},
};

/// An account by its id.
pub async fn by_id(db: &impl ConnectionTrait, id: UserId) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find_by_id(id).one(db).await
}

/// An account by its id, locked until the transaction ends: what the user domain decides about an
/// account, it decides under this lock.
pub async fn lock(tx: &impl ConnectionTrait, id: UserId) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find_by_id(id).lock_exclusive().one(tx).await
}

/// An account by its username.
pub async fn by_username(db: &impl ConnectionTrait, username: &str) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find()
        .filter(user::Column::Username.eq(username))
        .one(db)
        .await
}

/// A person by username or email address, both lower case.
pub async fn by_name_or_email(db: &impl ConnectionTrait, login: &str) -> Result<Option<user::Model>, DbErr> {
    let named = Condition::any()
        .add(user::Column::Username.eq(login))
        .add(user::Column::Email.eq(login));
    user::Entity::find()
        .filter(named)
        .filter(user::Column::Kind.eq(UserKind::Person))
        .filter(user::Column::DeletedAt.is_null())
        .one(db)
        .await
}

/// Whether there is any person on this instance.
pub async fn has_people(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let people = user::Entity::find()
        .filter(user::Column::Kind.eq(UserKind::Person))
        .filter(user::Column::DeletedAt.is_null());
    exists(db, people).await
}

/// Whether somebody else has the username.
pub async fn username_is_taken(
    db: &impl ConnectionTrait,
    username: &Username,
    but: Option<UserId>,
) -> Result<bool, DbErr> {
    let row = by_username(db, username.as_str()).await?;
    Ok(row.is_some_and(|row| Some(row.id) != but))
}

/// Whether somebody has the email address.
pub async fn email_is_taken(db: &impl ConnectionTrait, email: &Email) -> Result<bool, DbErr> {
    exists(
        db,
        user::Entity::find().filter(user::Column::Email.eq(email.as_str())),
    )
    .await
}

/// Whether a query finds anything; it stops at the first row.
async fn exists(db: &impl ConnectionTrait, query: Select<user::Entity>) -> Result<bool, DbErr> {
    let first = query
        .select_only()
        .column(user::Column::Id)
        .limit(1)
        .into_tuple::<UserId>();
    Ok(first.one(db).await?.is_some())
}

/// Adds an account.
pub async fn insert_user(db: &impl ConnectionTrait, row: user::Model) -> Result<user::Model, DbErr> {
    user::ActiveModel::from(row).reset_all().insert(db).await
}

/// What an account says of itself.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    /// What others read.
    pub display_name: Option<DisplayName>,
    /// A few words; inner none clears them.
    pub bio: Option<Option<Bio>>,
    /// A picture; inner none clears it.
    pub avatar_url: Option<Option<HttpsUrl>>,
}

/// Changes the profile of a locked account.
pub async fn update_profile(
    db: &impl ConnectionTrait,
    row: &user::Model,
    change: ProfileChange,
) -> Result<user::Model, DbErr> {
    let mut next = next_revision(row);
    if let Some(name) = change.display_name {
        next.display_name = Set(name.into_string());
    }
    if let Some(bio) = change.bio {
        next.bio = Set(bio.map(Bio::into_string));
    }
    if let Some(url) = change.avatar_url {
        next.avatar_url = Set(url.map(HttpsUrl::into_string));
    }
    next.update(db).await
}

/// Clears all that is personal of a locked account, but for its username: see [`release_username`].
pub async fn bury(
    db: &impl ConnectionTrait,
    row: &user::Model,
    now: DateTime<Utc>,
) -> Result<user::Model, DbErr> {
    let mut next = next_revision(row);
    next.display_name = Set(String::new());
    next.bio = Set(None);
    next.avatar_url = Set(None);
    next.email = Set(None);
    next.password_hash = Set(None);
    next.administrator = Set(false);
    next.deleted_at = Set(Some(now));
    next.update(db).await
}

/// Frees the username of a locked account: what stands there then is nobody's to choose.
pub async fn release_username(db: &impl ConnectionTrait, row: &user::Model) -> Result<user::Model, DbErr> {
    let mut next = next_revision(row);
    next.username = Set(format!("deleted:{}", row.id));
    next.update(db).await
}

/// Replaces a password hash; false when it is no longer the one that was read.
pub async fn set_password(
    db: &impl ConnectionTrait,
    id: UserId,
    read: Option<String>,
    hash: String,
) -> Result<bool, DbErr> {
    let done = user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, Expr::value(hash))
        .col_expr(user::Column::Rev, Expr::col(user::Column::Rev).add(1))
        .filter(user::Column::Id.eq(id))
        .filter(user::Column::PasswordHash.eq(read))
        .exec(db)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Turns a placeholder into a person.
pub async fn take_over(
    db: &impl ConnectionTrait,
    placeholder: user::Model,
    username: Username,
    email: Option<Email>,
    hash: String,
) -> Result<user::Model, DbErr> {
    let mut next = next_revision(&placeholder);
    next.kind = Set(UserKind::Person);
    next.username = Set(username.into_string());
    next.email = Set(email.map(Email::into_string));
    next.password_hash = Set(Some(hash));
    next.update(db).await
}

fn next_revision(row: &user::Model) -> user::ActiveModel {
    let mut next = user::ActiveModel::from(row.clone());
    next.rev = Set(row.rev + 1);
    next
}
