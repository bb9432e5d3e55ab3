//! Order, fairness and patience.

use super::*;
use uuid::Uuid;

fn channel(number: u128) -> ChannelId {
    ChannelId(Uuid::from_u128(number))
}

fn filled(sends: &[(u128, usize)]) -> Lanes<(u128, usize)> {
    let mut lanes = Lanes::new(1);
    for (of, number) in sends {
        lanes.push(channel(*of), (*of, *number)).unwrap();
    }
    lanes
}

fn numbers(taken: &Taken<(u128, usize)>) -> Vec<usize> {
    taken.sends.iter().map(|(_, number)| *number).collect()
}

#[test]
fn a_channel_is_with_one_writer_and_keeps_its_order() {
    let now = Instant::now();
    let mut lanes = filled(&[(1, 1), (2, 2), (1, 3)]);
    let first = lanes.take(Hand::Quick, now).unwrap();
    assert_eq!(first.channels, [channel(1), channel(2)]);
    assert_eq!(numbers(&first), [1, 3, 2]);
    lanes.push(channel(1), (1, 4)).unwrap();
    lanes.push(channel(3), (3, 5)).unwrap();
    let second = lanes.take(Hand::Quick, now).unwrap();
    assert_eq!(numbers(&second), [5], "channel 1 is with the first writer");
    assert_eq!(lanes.take(Hand::Quick, now), None);
    lanes.give_back(Hand::Quick, &first.channels, Vec::new(), now);
    assert_eq!(numbers(&lanes.take(Hand::Quick, now).unwrap()), [4]);
}

#[test]
fn a_busy_channel_does_not_starve_another() {
    let now = Instant::now();
    let mut lanes = Lanes::new(1);
    for number in 0..2 * BATCH {
        lanes.push(channel(1), (1, number)).unwrap();
    }
    lanes.push(channel(2), (2, 0)).unwrap();
    let first = lanes.take(Hand::Quick, now).unwrap();
    assert_eq!((first.channels.len(), first.sends.len()), (1, BATCH));
    lanes.give_back(Hand::Quick, &first.channels, Vec::new(), now);
    let second = lanes.take(Hand::Quick, now).unwrap();
    assert_eq!(second.channels, [channel(2), channel(1)]);
    assert_eq!(second.sends[1], (1, BATCH), "what came first goes first");
}

#[test]
fn a_held_channel_rests_and_is_then_waited_for_alone() {
    let mut now = Instant::now();
    let mut lanes = filled(&[(1, 1), (2, 2)]);
    for _ in 0..2 {
        let taken = lanes.take(Hand::Quick, now).unwrap();
        let held = taken.sends.iter().filter(|send| send.0 == 1);
        let held = held.map(|send| (channel(1), *send)).collect();
        lanes.give_back(Hand::Quick, &taken.channels, held, now);
        assert_eq!(lanes.take(Hand::Quick, now), None, "it rests");
        now = lanes.next_ready().unwrap();
    }
    lanes.push(channel(1), (1, 3)).unwrap();
    let taken = lanes.take(Hand::Quick, now).unwrap();
    assert_eq!(numbers(&taken), [1, 3]);
    let held = taken.sends.into_iter().map(|send| (channel(1), send)).collect();
    lanes.give_back(Hand::Quick, &taken.channels, held, now);
    assert!(lanes.has_stuck() && lanes.next_ready().is_none());
    lanes.push(channel(2), (2, 4)).unwrap();
    assert_eq!(
        numbers(&lanes.take(Hand::Quick, now).unwrap()),
        [4],
        "others go on"
    );
    let waited = lanes.take(Hand::Patient, now).unwrap();
    assert_eq!(numbers(&waited), [1, 3]);
    lanes.push(channel(1), (1, 5)).unwrap();
    assert_eq!(lanes.take(Hand::Quick, now), None);
    lanes.give_back(Hand::Patient, &waited.channels, Vec::new(), now);
    assert_eq!(numbers(&lanes.take(Hand::Quick, now).unwrap()), [5]);
}

#[test]
fn no_more_channels_are_stuck_than_patient_writers() {
    let mut now = Instant::now();
    let mut lanes = filled(&[(1, 1), (2, 2)]);
    for _ in 0..4 {
        let Some(taken) = lanes.take(Hand::Quick, now) else {
            break;
        };
        let held = taken.sends.into_iter().map(|send| (channel(send.0), send));
        lanes.give_back(Hand::Quick, &taken.channels, held.collect(), now);
        now = lanes.next_ready().unwrap();
    }
    assert_eq!(lanes.take(Hand::Patient, now).unwrap().channels, [channel(1)]);
    assert_eq!(lanes.take(Hand::Patient, now), None);
    assert_eq!(
        lanes.take(Hand::Quick, now).unwrap().channels,
        [channel(2)],
        "the other is still tried"
    );
}

#[test]
fn what_waits_is_bounded_and_closing_lets_it_out() {
    let now = Instant::now();
    let mut lanes = Lanes::new(1);
    for number in 0..WAITING {
        lanes.push(channel(1), (1, number)).unwrap();
    }
    assert_eq!(lanes.push(channel(2), (2, 0)), Err(Refused::Full));
    let taken = lanes.take(Hand::Quick, now).unwrap();
    assert_eq!(lanes.waiting(), WAITING - BATCH);
    lanes.push(channel(2), (2, 0)).unwrap();
    lanes.close();
    assert_eq!(lanes.push(channel(2), (2, 0)), Err(Refused::Closed));
    lanes.give_back(Hand::Quick, &taken.channels, Vec::new(), now);
    let mut sends = taken.sends.len();
    while let Some(taken) = lanes.take(Hand::Quick, now) {
        assert!(!lanes.ended(), "some are with a writer");
        sends += taken.sends.len();
        lanes.give_back(Hand::Quick, &taken.channels, Vec::new(), now);
    }
    assert_eq!(sends, WAITING + 1);
    assert!(lanes.ended());
}
