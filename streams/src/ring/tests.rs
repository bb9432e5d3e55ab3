//! The bookkeeping of a follower, without anything around it.

use super::*;
use chrono::DateTime;
use uuid::Uuid;

fn event(seq: i64) -> Arc<Event> {
    let at = DateTime::from_timestamp_millis(1_700_000_000_000).unwrap();
    let (stream, subject) = (Uuid::nil(), Uuid::nil());
    Arc::new(Event {
        stream,
        seq,
        kind: "x".into(),
        subject,
        rev: 1,
        data: None,
        actor: None,
        at,
    })
}

fn live(capacity: usize, head: i64) -> Ring {
    let mut ring = Ring::new(capacity);
    ring.open(head);
    ring
}

fn taken(ring: &Ring, cursor: i64) -> Vec<i64> {
    let mut queue = VecDeque::new();
    ring.look(ring.epoch, cursor, &mut queue);
    let seq = |delivery| match delivery {
        Delivery::Event(event) => event.seq,
        other => panic!("{other:?}"),
    };
    queue.into_iter().map(seq).collect()
}

#[test]
fn order_and_repetition_do_not_matter() {
    let mut ring = live(8, 10);
    assert_eq!(
        ring.hear(&[event(12), event(13)]),
        Change {
            moved: false,
            gap: true
        }
    );
    assert_eq!(
        ring.hear(&[event(9), event(10)]),
        Change {
            moved: false,
            gap: true
        }
    );
    assert_eq!(
        ring.hear(&[event(11)]),
        Change {
            moved: true,
            gap: false
        }
    );
    assert_eq!(
        ring.hear(&[event(12)]),
        Change {
            moved: false,
            gap: false
        }
    );
    assert_eq!(taken(&ring, 10), [11, 12, 13]);
    assert!(ring.early.is_empty());
}

#[test]
fn what_is_heard_before_the_head_is_kept() {
    let mut ring = Ring::new(8);
    assert_eq!(
        ring.hear(&[event(4), event(5), event(6)]),
        Change {
            moved: false,
            gap: false
        }
    );
    assert_eq!(
        ring.open(4),
        Change {
            moved: true,
            gap: false
        }
    );
    assert_eq!(taken(&ring, 4), [5, 6]);
}

#[test]
fn the_window_and_the_early_ones_are_bounded() {
    let mut ring = live(4, 0);
    for seq in 1..=10 {
        ring.hear(&[event(seq)]);
    }
    assert!(ring.covers(6) && !ring.covers(5) && ring.covers(10) && !ring.covers(11));
    assert!(matches!(ring.look(0, 5, &mut VecDeque::new()), Look::Behind));
    for seq in (100..100 + 2 * EARLY as i64).rev() {
        ring.hear(&[event(seq)]);
    }
    assert_eq!(ring.early.len(), EARLY);
    assert!(ring.early.contains_key(&100), "the next ones are worth the most");
}

#[test]
fn a_false_alarm_is_settled_but_not_over_newer_news() {
    let mut ring = live(8, 10);
    assert!(ring.know(20).gap);
    let mark = ring.mark();
    ring.hear(&[event(12)]);
    ring.hear(&[event(30)]);
    ring.settle(mark);
    assert_eq!(ring.known, 30, "something was heard since");
    ring.settle(ring.mark());
    assert!(!ring.know(10).gap);
    assert!(ring.early.is_empty());
}

fn jump_of(ring: &Ring) -> Jump {
    match ring.look(ring.epoch - 1, 0, &mut VecDeque::new()) {
        Look::Jump(epoch, jump) if epoch == ring.epoch => jump,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_jump_over_a_floor_keeps_what_lies_behind_it() {
    let mut ring = live(8, 10);
    let mark = ring.mark();
    ring.hear(&[event(1011)]);
    let head = Head {
        seq: 1012,
        floor: 1010,
        ordinal: 0,
    };
    assert_eq!(
        ring.jump(mark, head),
        Change {
            moved: true,
            gap: true
        }
    );
    assert_eq!(
        ring.jump(mark, head),
        Change {
            moved: false,
            gap: false
        },
        "once is enough"
    );
    assert_eq!(taken(&ring, 1010), [1011]);
    let jump = jump_of(&ring);
    assert_eq!(
        [10, 3, 1010, 1012].map(|cursor| jump.reset(cursor)),
        [Some(1010), Some(1010), None, None]
    );
    ring.fill(mark, &[event(1012)]);
    assert_eq!(ring.last, 1011, "what was read before the jump does not count");
}

#[test]
fn a_jump_back_forgets_what_was_heard() {
    let mut ring = live(8, 10);
    ring.hear(&[event(11), event(13)]);
    let head = Head {
        seq: 8,
        floor: 0,
        ordinal: 0,
    };
    assert_eq!(
        ring.jump(ring.mark(), head),
        Change {
            moved: true,
            gap: false
        }
    );
    let jump = jump_of(&ring);
    assert_eq!([5, 8, 11].map(|cursor| jump.reset(cursor)), [Some(8); 3]);
    ring.hear(&[event(9)]);
    assert_eq!(taken(&ring, 8), [9]);
}

#[test]
fn the_end_comes_after_what_is_there() {
    let mut ring = live(8, 0);
    ring.hear(&[event(1)]);
    assert!(ring.end(StreamError::Unavailable(None)));
    assert!(!ring.end(StreamError::Unknown(Uuid::nil())));
    assert_eq!(taken(&ring, 0), [1]);
    assert!(matches!(
        ring.look(0, 1, &mut VecDeque::new()),
        Look::Ended(StreamError::Unavailable(_))
    ));
}
