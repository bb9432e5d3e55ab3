//! The way out to one client: whoever has a frame writes it at once; what the socket does not take
//! waits here, bounded in bytes.
//!
//! Nothing is ever dropped in silence: a frame is written, kept, or refused, and then its operation is
//! told. Which operation a frame belongs to is remembered, so that what waits can be taken back.
//!
//! An event for a thousand clients touches a thousand of these, each out of the processor's caches: what
//! such a write needs lies together, and what waits, which is rare, lies elsewhere.

use super::{frame, meter::Queued, socket::Socket};
use bytes::Bytes;
use smallvec::SmallVec;
use std::{
    collections::VecDeque,
    io::{ErrorKind, Result as IoResult},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How much may wait for one client, in bytes. One frame that is larger may wait alone.
pub(super) const MAX_QUEUED: usize = 256 * 1024;
/// How much the protocol's own words may take beside it: acknowledgements, errors, ends.
const MAX_WORDS: usize = 64 * 1024;

/// Names an operation of one connection; none has it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(u32);

/// Why a frame was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Too much waits already.
    Full,
    /// The client is gone, or the operation over.
    Gone,
}

/// Frames on their way to one client.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Outlet {
    queue: Mutex<Queue>,
    socket: Socket,
    /// Something waits that did not before.
    stirred: Notify,
    /// There is room again.
    eased: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    /// What waits, if anything does.
    backlog: Option<Box<Backlog>>,
    /// Operations that are not over: nothing is taken of others.
    open: SmallVec<[Tag; 4]>,
    /// How many were opened.
    opened: u32,
    gone: bool,
}

#[derive(Debug)]
struct Backlog {
    /// Never empty.
    frames: VecDeque<Waiting>,
    bytes: usize,
    /// What of it are words of the protocol.
    words: usize,
    /// Since when nothing moves.
    stuck: Instant,
    counted: Queued,
}

#[derive(Debug)]
struct Waiting {
    tag: Option<Tag>,
    rest: Bytes,
    /// A part of it is written: the rest must follow.
    begun: bool,
}

impl Queue {
    fn end(&mut self, tag: Tag) {
        self.open.retain(|open| *open != tag);
    }
}

impl Backlog {
    fn begin() -> Self {
        Self {
            frames: VecDeque::new(),
            bytes: 0,
            words: 0,
            stuck: Instant::now(),
            counted: Queued::default(),
        }
    }

    /// Answers and words have bounds of their own: neither keeps the other out.
    fn has_room(&self, answer: bool, wanted: usize) -> bool {
        match answer {
            true => self.bytes - self.words + wanted <= MAX_QUEUED,
            false => self.words + wanted <= MAX_WORDS,
        }
    }

    /// Keeps what was not written of frames, each for itself: they are taken back one by one.
    fn keep(&mut self, tag: Option<Tag>, frames: &[u8], written: usize) {
        let rest = Bytes::copy_from_slice(&frames[written..]);
        self.bytes += rest.len();
        if tag.is_none() {
            self.words += rest.len();
        }
        let (mut start, mut at) = (0, 0);
        while at < rest.len() {
            let end = start + frame::size(&frames[start..]);
            if end > written {
                let upto = end - written;
                self.frames.push_back(Waiting {
                    tag,
                    rest: rest.slice(at..upto),
                    begun: start < written,
                });
                at = upto;
            }
            start = end;
        }
        self.counted.is(self.bytes);
    }
}

impl Outlet {
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            socket,
            queue: Mutex::default(),
            stirred: Notify::new(),
            eased: Notify::new(),
        }
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Names an operation that begins.
    pub(super) fn open(&self) -> Tag {
        let mut queue = self.queue();
        queue.opened = queue.opened.wrapping_add(1);
        let tag = Tag(queue.opened);
        queue.open.push(tag);
        tag
    }

    /// Writes an operation's frames, or keeps them while there is room.
    ///
    /// # Errors
    /// [`Refused`]: nothing of them will be sent.
    pub(super) fn send(&self, tag: Tag, frames: &[u8]) -> Result<(), Refused> {
        self.put(Some(tag), frames)
    }

    /// Writes a word of the protocol, for which there is room beyond that of answers.
    ///
    /// # Errors
    /// [`Refused`]; a client that lets even these pile up is [`Refused::Gone`] from then on.
    pub(super) fn tell(&self, frame: &[u8]) -> Result<(), Refused> {
        self.put(None, frame).map_err(|_| {
            self.abandon();
            Refused::Gone
        })
    }

    fn put(&self, tag: Option<Tag>, frames: &[u8]) -> Result<(), Refused> {
        let mut queue = self.queue();
        if queue.gone || tag.is_some_and(|tag| !queue.open.contains(&tag)) {
            return Err(Refused::Gone);
        }
        if let Some(backlog) = &mut queue.backlog {
            if !backlog.has_room(tag.is_some(), frames.len()) {
                return Err(Refused::Full);
            }
            backlog.keep(tag, frames, 0);
            return Ok(());
        }
        let written = match self.socket.try_write(frames) {
            Ok(count) if count == frames.len() => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(_) => {
                drop(queue);
                self.abandon();
                return Err(Refused::Gone);
            }
        };
        let mut backlog = Backlog::begin();
        backlog.keep(tag, frames, written);
        queue.backlog = Some(Box::new(backlog));
        self.stirred.notify_one();
        Ok(())
    }

    /// Takes nothing more of an operation; what waits of it will be written.
    pub(super) fn end(&self, tag: Tag) {
        self.queue().end(tag);
    }

    /// The same, and takes back what waits of it, but for a frame that is under way.
    pub(super) fn take_back(&self, tag: Tag) {
        let mut queue = self.queue();
        queue.end(tag);
        if let Some(backlog) = &mut queue.backlog {
            let frames = &mut backlog.frames;
            frames.retain(|frame| frame.begun || frame.tag != Some(tag));
            backlog.bytes = frames.iter().map(|frame| frame.rest.len()).sum();
            if frames.is_empty() {
                queue.backlog = None;
            } else {
                backlog.counted.is(backlog.bytes);
            }
        }
        drop(queue);
        self.eased.notify_waiters();
    }

    /// Nothing is written any more, and who waits for room is told.
    pub(super) fn abandon(&self) {
        let mut queue = self.queue();
        queue.gone = true;
        queue.backlog = None;
        drop(queue);
        self.stirred.notify_one();
        self.eased.notify_waiters();
    }

    /// Whether something waits and none of it moved for so long.
    pub(super) fn is_stuck(&self, time: Duration) -> bool {
        let queue = self.queue();
        let backlog = queue.backlog.as_ref();
        backlog.is_some_and(|backlog| backlog.stuck.elapsed() > time)
    }

    /// Waits until there is room for so much.
    ///
    /// # Errors
    /// [`Refused::Gone`].
    pub(super) async fn room(&self, wanted: usize) -> Result<(), Refused> {
        loop {
            let eased = self.eased.notified();
            {
                let queue = self.queue();
                if queue.gone {
                    return Err(Refused::Gone);
                }
                let backlog = queue.backlog.as_ref();
                if backlog.is_none_or(|backlog| backlog.has_room(true, wanted)) {
                    return Ok(());
                }
            }
            eased.await;
        }
    }

    /// Waits until all that waits is written.
    ///
    /// # Errors
    /// When the client is gone.
    pub(super) async fn drain(&self) -> IoResult<()> {
        while !self.is_empty()? {
            self.socket.writable().await?;
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what waits, as the socket takes it, for ever. Safe to cancel.
    ///
    /// # Errors
    /// When the client is gone.
    pub(super) async fn pump(&self) -> IoResult<std::convert::Infallible> {
        loop {
            let stirred = self.stirred.notified();
            if self.is_empty()? {
                stirred.await;
            } else {
                self.socket.writable().await?;
                self.flush()?;
            }
        }
    }

    fn is_empty(&self) -> IoResult<bool> {
        let queue = self.queue();
        match queue.gone {
            true => Err(ErrorKind::BrokenPipe.into()),
            false => Ok(queue.backlog.is_none()),
        }
    }

    fn flush(&self) -> IoResult<()> {
        let mut queue = self.queue();
        let Some(backlog) = &mut queue.backlog else {
            return Ok(());
        };
        while let Some(frame) = backlog.frames.front_mut() {
            match self.socket.try_write(&frame.rest) {
                Ok(count) => {
                    let whole = count == frame.rest.len();
                    frame.rest = frame.rest.slice(count..);
                    frame.begun = true;
                    let is_word = frame.tag.is_none();
                    backlog.bytes -= count;
                    if is_word {
                        backlog.words -= count;
                    }
                    backlog.stuck = Instant::now();
                    if whole {
                        backlog.frames.pop_front();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if backlog.frames.is_empty() {
            queue.backlog = None;
        } else {
            backlog.counted.is(backlog.bytes);
        }
        drop(queue);
        self.eased.notify_waiters();
        Ok(())
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
