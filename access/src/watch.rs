//! Ends a live stream when its viewer loses what it shows.

use crate::{Access, Listener, Subject};
use commons_entities::{ChannelId, GuildId, SessionId, UserId};
use commons_platform::{ApiError, Code, auth::Actor};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use std::{sync::Arc, time::Duration};

/// How long a check may take before the stream ends unproven: with the period of the log's reader it
/// stays below the second in which a revocation must count.
const CHECK: Duration = Duration::from_millis(500);

/// How long items are held back while changes are not heard, before the stream ends unproven.
const HOLD: Duration = Duration::from_secs(10);

/// Why a stream must end.
#[derive(Debug, Clone)]
pub enum Ended {
    /// The viewer may not see it any more, or it is gone.
    Hidden,
    /// The viewer still sees it, but may no longer read its history: what is shown must begin anew.
    Less,
    /// The viewer's session was revoked.
    Revoked,
    /// It cannot be told whether the viewer may still see it.
    Unproven(ApiError),
}

impl From<Ended> for ApiError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Hidden => Self::not_found(),
            Ended::Less => {
                let less = "what you may see here has changed: subscribe again";
                Self::new(Code::Unavailable, less).with_reason("ACCESS_CHANGED")
            }
            Ended::Revoked => Self::unauthenticated(),
            Ended::Unproven(error) => error,
        }
    }
}

/// Knows when a live stream's viewer loses access. It does nothing until a change concerns this
/// viewer, guild, channel or session; then it asks once. An audience is no user and has no session.
#[derive(Debug)]
pub struct AccessWatch {
    access: Arc<dyn Access>,
    viewed: Viewed,
    viewer: Actor,
    listener: Listener,
    /// A change was heard and not yet checked.
    unchecked: bool,
}

#[derive(Debug, Clone, Copy)]
enum Viewed {
    Guild(GuildId),
    Channel {
        id: ChannelId,
        /// Whether its history was theirs to read when the watch began.
        read: bool,
    },
}

impl AccessWatch {
    pub(crate) async fn guild(access: Arc<dyn Access>, actor: &Actor, id: GuildId) -> Result<Self, ApiError> {
        access.guild(actor, id).await?;
        Self::begin(access, actor, Viewed::Guild(id), id).await
    }

    pub(crate) async fn channel(
        access: Arc<dyn Access>,
        actor: &Actor,
        id: ChannelId,
    ) -> Result<Self, ApiError> {
        let standing = access.view_channel(actor, id).await?;
        let (guild, read) = (standing.guild(), standing.reader().is_ok());
        Self::begin(access, actor, Viewed::Channel { id, read }, guild).await
    }

    async fn begin(
        access: Arc<dyn Access>,
        actor: &Actor,
        viewed: Viewed,
        guild: GuildId,
    ) -> Result<Self, ApiError> {
        let mut subjects = vec![Subject::Guild(guild)];
        if let Actor::User { user, session } = *actor {
            subjects.push(Subject::Member(guild, UserId(user)));
            subjects.push(Subject::Session(SessionId(session)));
        }
        if let Viewed::Channel { id, .. } = viewed {
            subjects.push(Subject::Channel(id));
        }
        let listener = access.changes().listen(&subjects);
        let watch = Self {
            access,
            viewed,
            viewer: *actor,
            listener,
            unchecked: false,
        };
        // What changed before we listened is seen by asking once more.
        match watch.check().await {
            Some(ended) => Err(ended.into()),
            None => Ok(watch),
        }
    }

    /// Waits until the viewer loses access, and says why. Safe to cancel and to call again.
    pub async fn ended(&mut self) -> Ended {
        loop {
            self.heard().await;
            if let Some(ended) = self.checked().await {
                return ended;
            }
        }
    }

    /// The items of a stream as long as the viewer has access; then one error, and the end. Once a
    /// change is heard, no item is given before it is checked. While changes are not heard, items are
    /// held back, for 10 s at most.
    pub fn guard<T: Send + 'static>(
        self,
        items: impl Stream<Item = T> + Send + 'static,
    ) -> impl Stream<Item = Result<T, ApiError>> + Send + 'static {
        stream::unfold(Some((self, items.boxed())), |state| async move {
            let (mut watch, mut items) = state?;
            loop {
                tokio::select! {
                    biased;
                    () = watch.heard() => if let Some(ended) = watch.checked().await {
                        return Some((Err(ended.into()), None));
                    },
                    item = items.next() => {
                        let item = item?;
                        return Some(match watch.proven().await {
                            None => (Ok(item), Some((watch, items))),
                            Some(ended) => (Err(ended.into()), None),
                        });
                    }
                }
            }
        })
    }

    /// Waits for a change that is not checked yet.
    async fn heard(&mut self) {
        if !self.unchecked {
            self.listener.changed().await;
            self.unchecked = true;
        }
    }

    /// Waits until nothing from the last second is unheard or unchecked; why the stream must end if it
    /// must.
    async fn proven(&mut self) -> Option<Ended> {
        if self.access.changes().is_fresh() {
            return None;
        }
        let hearing = tokio::time::timeout(HOLD, self.access.changes().fresh()).await;
        if hearing.is_err() {
            return Some(unproven());
        }
        self.heard().now_or_never()?;
        self.checked().await
    }

    async fn checked(&mut self) -> Option<Ended> {
        let ended = self.check().await;
        self.unchecked = ended.is_some();
        ended
    }

    async fn check(&self) -> Option<Ended> {
        if let Actor::User { session, .. } = self.viewer
            && self.access.changes().is_revoked(SessionId(session))
        {
            return Some(Ended::Revoked);
        }
        match tokio::time::timeout(CHECK, self.lost()).await {
            Ok(Ok(lost)) => lost,
            Ok(Err(error)) => Some(Ended::Unproven(error)),
            Err(_) => Some(unproven()),
        }
    }

    /// What the viewer has lost of what they saw.
    async fn lost(&self) -> Result<Option<Ended>, ApiError> {
        let (visible, read) = match self.viewed {
            Viewed::Guild(id) => {
                let standings = self.access.guilds(&self.viewer, &[id]).await?;
                (standings.iter().any(Option::is_some), true)
            }
            Viewed::Channel { id, read } => {
                let standing = self.access.channels(&self.viewer, &[id]).await?.pop().flatten();
                let reads = standing
                    .as_ref()
                    .is_some_and(|standing| standing.reader().is_ok());
                (standing.is_some(), reads || !read)
            }
        };
        Ok(match (visible, read) {
            (true, true) => None,
            (true, false) => Some(Ended::Less),
            (false, _) => Some(Ended::Hidden),
        })
    }
}

fn unproven() -> Ended {
    let late = "access cannot be checked in time, try again";
    Ended::Unproven(ApiError::new(Code::Unavailable, late))
}
