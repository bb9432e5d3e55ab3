//! One client: its way out, and the operations that run for it.

use super::{
    frame,
    outlet::{Outlet, Refused, Tag},
    socket::Socket,
};
use crate::reply::Reply;
use commons_platform::{ApiError, task::Guard};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

#[derive(Debug)]
struct Running {
    tag: Tag,
    /// Whether it is a subscription, which does not hold up the end of the gateway.
    live: bool,
    /// What runs it, once it was started.
    task: Option<Guard>,
}

/// A client with an open socket; what deliveries touch comes first.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Client {
    pub(super) outlet: Outlet,
    state: Mutex<State>,
    /// An operation ended by itself.
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    running: HashMap<Arc<str>, Running>,
}

impl Client {
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            outlet: Outlet::new(socket),
            state: Mutex::default(),
            ended: Notify::new(),
        }
    }

    /// Waits until an operation ends by itself.
    pub(super) async fn changed(&self) {
        self.ended.notified().await;
    }

    /// Ends all that runs, without a word.
    pub(super) fn end_quietly(&self) {
        let ended = std::mem::take(&mut self.state().running);
        for ended in ended.values() {
            self.outlet.end(ended.tag);
        }
    }

    /// A place for an operation whose id, as it stands in JSON, none has that [`runs`](Self::runs); none
    /// when as many run as may.
    pub(super) fn open(self: &Arc<Self>, id: &str, live: bool, bound: usize) -> Option<Line> {
        let mut state = self.state();
        if state.running.len() >= bound {
            return None;
        }
        let (tag, id) = (self.outlet.open(), Arc::<str>::from(id));
        let running = Running {
            tag,
            live,
            task: None,
        };
        state.running.insert(id.clone(), running);
        Some(Line {
            client: self.clone(),
            id,
            tag,
        })
    }

    /// Whether an operation with this id runs.
    pub(super) fn runs(&self, id: &str) -> bool {
        self.state().running.contains_key(id)
    }

    /// Ends an operation as the client wishes: nothing more is said of it.
    pub(super) fn leave(&self, id: &str) {
        let ended = self.state().running.remove(id);
        if let Some(ended) = &ended {
            self.outlet.take_back(ended.tag);
        }
    }

    /// Ends subscriptions; what gives one answer goes on. Whether anything does.
    pub(super) fn end_live(&self) -> bool {
        let mut state = self.state();
        let live = state.running.extract_if(|_, running| running.live);
        let ended: Vec<_> = live.collect();
        let goes_on = !state.running.is_empty();
        drop(state);
        for (_, ended) in &ended {
            self.outlet.end(ended.tag);
        }
        goes_on
    }

    /// Refuses all that runs, in place of what waits of it.
    pub(super) fn end_all(&self, refusal: impl Fn() -> Reply) {
        let ended: Vec<_> = self.state().running.drain().collect();
        for (id, ended) in &ended {
            self.outlet.take_back(ended.tag);
            if self.told(id, &refusal()).is_err() {
                return;
            }
        }
    }

    /// Tells that an operation is refused.
    ///
    /// # Errors
    /// When the client is gone.
    pub(super) fn told(&self, id: &str, refusal: &Reply) -> Result<(), Refused> {
        let errors = refusal.errors();
        let errors = errors.as_deref().map_or("[]", |errors| errors.get());
        self.outlet.tell(&frame::error(id, errors.as_bytes()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the answers of one operation go.
#[derive(Debug, Clone)]
pub(super) struct Line {
    client: Arc<Client>,
    /// As it stands in JSON.
    id: Arc<str>,
    tag: Tag,
}

impl Line {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Runs the operation; it ends with its task, and the task with it.
    pub(super) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = Guard::spawn(task);
        let mut state = self.client.state();
        let dropped = match state.running.get_mut(&self.id) {
            Some(running) if running.tag == self.tag => running.task.replace(task),
            // It ended before it began.
            _ => Some(task),
        };
        drop(state);
        drop(dropped);
    }

    /// Sends frames that are made of this operation's answers.
    ///
    /// # Errors
    /// [`Refused`]: none of it will be sent.
    pub(super) fn send(&self, frames: &[u8]) -> Result<(), Refused> {
        self.client.outlet.send(self.tag, frames)
    }

    /// Sends frames as soon as there is room.
    ///
    /// # Errors
    /// When the client is gone.
    pub(super) async fn send_when_room(&self, frames: &[u8]) -> Result<(), Refused> {
        loop {
            match self.send(frames) {
                Err(Refused::Full) => self.client.outlet.room(frames.len()).await?,
                sent => return sent,
            }
        }
    }

    /// Sends an answer as soon as there is room.
    ///
    /// # Errors
    /// When the client is gone.
    pub(super) async fn answer(&self, answer: &[u8]) -> Result<(), Refused> {
        self.send_when_room(&frame::next(&self.id, answer)).await
    }

    /// Ends the operation: it has no more answers.
    pub(super) fn complete(&self) {
        if self.finish() {
            let _gone = self.client.outlet.tell(&frame::complete(&self.id));
        }
    }

    /// Ends the operation with an error; what waits of it stays in front.
    pub(super) fn refuse(&self, refusal: &Reply) {
        if self.finish() {
            let _gone = self.client.told(&self.id, refusal);
        }
    }

    /// Ends the operation with an error, in place of what waits of it.
    pub(super) fn replace(&self, refusal: &Reply) {
        if self.finish() {
            self.client.outlet.take_back(self.tag);
            let _gone = self.client.told(&self.id, refusal);
        }
    }

    /// The same for an error of our own.
    pub(super) fn cut(&self, error: ApiError, request_id: &str) {
        self.replace(&Reply::refusal(error, request_id));
    }

    /// Ends the operation of a client that does not keep up, and tells it after which event to go on.
    pub(super) fn lag(&self, upto: i64, request_id: &str) {
        self.refuse(&Reply::lagged(upto, request_id));
    }

    /// Whether it ran until now.
    fn finish(&self) -> bool {
        let mut state = self.client.state();
        let runs = state
            .running
            .get(&self.id)
            .is_some_and(|running| running.tag == self.tag);
        let ended = runs.then(|| state.running.remove(&self.id)).flatten();
        drop(state);
        self.client.outlet.end(self.tag);
        self.client.ended.notify_one();
        ended.is_some()
    }
}
