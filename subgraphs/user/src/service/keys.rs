//! Signing keys: two live ones, the elder signs, the younger waits; they move on every thirty days.

use super::StartError;
use crate::store::{self, Turn};
use chrono::{DateTime, TimeDelta, Utc};
use commons_entities::user::signing_key;
use commons_platform::{
    Platform,
    auth::{KeySet, SigningKey},
};
use std::time::Duration;

const SIGNS_FOR: TimeDelta = TimeDelta::days(30);
const LOOK_EVERY: Duration = Duration::from_secs(3600);
/// The waiting key, the signing key, and the one before it, whose tokens may still be about.
const KEPT: usize = 3;

/// Loads the keys into the process, making or moving them on where it is time.
pub(super) async fn load(platform: &Platform) -> Result<(), StartError> {
    let tx = platform.db.begin().await?;
    // Several processes start at once, and look at the same hour.
    store::take_turn(&tx, Turn::SigningKeys).await?;
    let now = platform.clock.now();
    let mut rows = store::keys(&tx).await?;
    while needs_another(&rows, now) {
        let key = SigningKey::generate();
        // Each key is a moment younger than the one before, so that their order is certain.
        let row = signing_key::Model {
            kid: key.kid().to_owned(),
            sealed: platform.secret.seal(&key.to_pkcs8()),
            created_at: rows.first().map_or(now, |newest| {
                now.max(newest.created_at + TimeDelta::milliseconds(1))
            }),
        };
        store::insert_key(&tx, row.clone()).await?;
        rows.insert(0, row);
    }
    for old in rows.drain(KEPT.min(rows.len())..) {
        store::remove_key(&tx, &old.kid).await?;
    }
    // Opened before the commit: with another secret nothing is left behind that the right one could not open.
    let mut keys = rows
        .into_iter()
        .map(|row| open(platform, row))
        .collect::<Result<Vec<_>, _>>()?;
    tx.commit().await?;
    let signer = keys.remove(1);
    platform
        .tokens
        .set_keys(KeySet::new(&signer, &keys).map_err(|_| StartError::Sealed)?);
    Ok(())
}

/// Looks again every hour.
pub(super) async fn rotate_forever(platform: Platform) {
    let mut hours = tokio::time::interval(LOOK_EVERY);
    hours.tick().await;
    loop {
        hours.tick().await;
        if let Err(error) = load(&platform).await {
            tracing::error!(%error, "the signing keys could not be looked at");
        }
    }
}

/// Fewer than two, or the waiting key has waited as long as the signing one may sign.
fn needs_another(rows: &[signing_key::Model], now: DateTime<Utc>) -> bool {
    rows.len() < 2 || now - rows[0].created_at >= SIGNS_FOR
}

fn open(platform: &Platform, row: signing_key::Model) -> Result<SigningKey, StartError> {
    let der = platform
        .secret
        .open(&row.sealed)
        .map_err(|_| StartError::Sealed)?;
    SigningKey::from_pkcs8(row.kid, &der).map_err(|_| StartError::Sealed)
}
