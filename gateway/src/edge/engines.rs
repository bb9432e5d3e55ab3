//! The router's engines from outside: each lives on a worker thread of the HTTP server and does not leave
//! it, so operations are sent there and answers come back.

use crate::{
    engine::{Engine, Outcome, Update},
    operation::Operation,
    reply::Reply,
};
use commons_platform::{ApiError, graphql::Call};
use futures_util::StreamExt;
use hive_router::ntex::{http::header::HeaderValue, rt};
use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::mpsc::{self, error::TrySendError};

/// How many operations may wait for one worker.
const WAITING: usize = 1024;
/// How many answers of one operation may wait for who asked; the router holds more.
const ANSWERS: usize = 32;

/// One thing that an operation has to say.
#[derive(Debug)]
pub(crate) enum Event {
    /// An answer.
    Next(Reply),
    /// The operation was refused, and that is all.
    Error(Reply),
    /// It is over as planned.
    End,
}

/// An operation under way: dropping it ends it. It breaks off without [`Event::End`] when what runs it
/// is gone.
pub(crate) type Events = mpsc::Receiver<Event>;

struct Job {
    operation: Operation,
    call: Call,
    events: mpsc::Sender<Event>,
}

/// All workers' engines; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Engines {
    workers: Arc<RwLock<Vec<mpsc::Sender<Job>>>>,
    turn: Arc<AtomicUsize>,
}

impl Engines {
    /// Runs what is sent here, on the worker thread that calls it, until that thread ends.
    pub(crate) fn serve(&self, engine: Engine) {
        let (sender, mut jobs) = mpsc::channel(WAITING);
        let mut workers = self.workers.write().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|worker| !worker.is_closed());
        workers.push(sender);
        rt::spawn(async move {
            while let Some(job) = jobs.recv().await {
                rt::spawn(run(engine.clone(), job));
            }
        });
    }

    /// Starts an operation for a caller.
    ///
    /// # Errors
    /// `OVERLOADED` when all workers have too much to do.
    pub(crate) fn start(&self, operation: Operation, call: Call) -> Result<Events, ApiError> {
        let (events, receiver) = mpsc::channel(ANSWERS);
        let mut job = Job {
            operation,
            call,
            events,
        };
        let workers = self.workers.read().unwrap_or_else(PoisonError::into_inner);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        for offset in 0..workers.len() {
            let worker = &workers[turn.wrapping_add(offset) % workers.len()];
            match worker.try_send(job) {
                Ok(()) => return Ok(receiver),
                Err(TrySendError::Full(back) | TrySendError::Closed(back)) => job = back,
            }
        }
        Err(ApiError::overloaded())
    }
}

async fn run(engine: Engine, job: Job) {
    let Job {
        operation,
        call,
        events,
    } = job;
    let left = events.clone();
    tokio::select! {
        () = left.closed() => {}
        () = answer(engine, operation, call, events) => {}
    }
}

async fn answer(engine: Engine, operation: Operation, call: Call, events: mpsc::Sender<Event>) {
    let accept = HeaderValue::from_static("application/json, text/event-stream");
    // Nobody hears what is said after they left; `run` ends then.
    match engine.execute(&operation, call, accept).await {
        Outcome::One { reply, .. } => {
            let refused = reply.refused;
            let _left = events.send(of_answer(reply)).await;
            if !refused {
                let _left = events.send(Event::End).await;
            }
        }
        Outcome::Many(mut updates) => {
            while let Some(update) = updates.next().await {
                let event = match update {
                    Update::Answer(reply) => of_answer(reply),
                    Update::Heartbeat => continue,
                    Update::Complete => Event::End,
                };
                let last = !matches!(event, Event::Next(_));
                let _left = events.send(event).await;
                if last {
                    return;
                }
            }
        }
    }
}

fn of_answer(reply: Reply) -> Event {
    match reply.refused {
        true => Event::Error(reply),
        false => Event::Next(reply),
    }
}
