//! Writing and reading within transactions.

use crate::fixture::{create, event, seqs, stored, write};
use commons_platform::{ApiError, Code, task};
use commons_streams::{MAX_DATA_BYTES, NewEvent, StreamError, log};
use commons_testing::TestDatabase;
use rand::{Rng, SeedableRng, rngs::StdRng};
use uuid::Uuid;

const A: Uuid = Uuid::from_u128(1);
const B: Uuid = Uuid::from_u128(2);
const NOWHERE: Uuid = Uuid::from_u128(404);

async fn database() -> TestDatabase {
    let database = TestDatabase::new().await;
    create(&database.db, A).await;
    create(&database.db, B).await;
    database
}

#[tokio::test]
async fn events_are_read_as_they_were_written() {
    let database = database().await;
    let tx = database.db.begin().await.unwrap();
    let events = [A, B, A, A, B]
        .into_iter()
        .enumerate()
        .map(|(n, stream)| event(stream, n))
        .collect();
    let written = log::append(&tx, events).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        seqs(&written),
        [1, 1, 2, 3, 2],
        "each stream has its own numbers, in the order given"
    );
    let of = |stream| {
        written
            .iter()
            .filter(|event| event.stream == stream)
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(stored(&database.db, A, 0).await, of(A));
    assert_eq!(stored(&database.db, B, 0).await, of(B));
    assert_eq!(seqs(&log::read(database.db.read(), A, 1, 1).await.unwrap()), [2]);
    let head = log::head(database.db.read(), A).await.unwrap().unwrap();
    assert_eq!((head.seq, head.floor, head.ordinal), (3, 0, 0));
    assert_eq!(log::head(database.db.read(), NOWHERE).await.unwrap(), None);
    let heads = log::heads(database.db.read(), &[A, B, NOWHERE]).await.unwrap();
    assert_eq!((heads.len(), heads[&B].seq), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn numbers_are_dense_under_concurrent_writers_and_rollbacks() {
    let database = database().await;
    let writers = (0..16u64).map(|seed| {
        let db = database.db.clone();
        task::spawn(async move {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut committed = [0i64; 2];
            for _ in 0..12 {
                let tx = db.begin().await.unwrap();
                let count = rng.random_range(1..6);
                let choice: Vec<usize> = (0..count).map(|_| rng.random_range(0..2)).collect();
                let events = choice
                    .iter()
                    .map(|stream| event([A, B][*stream], count))
                    .collect();
                log::append(&tx, events).await.unwrap();
                if rng.random_bool(0.3) {
                    tx.rollback().await.unwrap();
                    continue;
                }
                tx.commit().await.unwrap();
                for stream in choice {
                    committed[stream] += 1;
                }
            }
            committed
        })
    });
    let mut committed = [0i64; 2];
    for writer in writers.collect::<Vec<_>>() {
        let counts = writer.await.unwrap();
        committed = [committed[0] + counts[0], committed[1] + counts[1]];
    }
    for (stream, count) in [A, B].into_iter().zip(committed) {
        let all: Vec<i64> = (1..=count).collect();
        assert_eq!(seqs(&stored(&database.db, stream, 0).await), all);
        assert_eq!(
            log::head(database.db.read(), stream).await.unwrap().unwrap().seq,
            count
        );
    }
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_no_hole() {
    let database = database().await;
    write(&database.db, A, 2).await;
    let tx = database.db.begin().await.unwrap();
    log::append(&tx, vec![event(A, 1)]).await.unwrap();
    drop(tx);
    assert_eq!(seqs(&write(&database.db, A, 1).await), [3]);
}

#[tokio::test]
async fn rows_can_carry_the_numbers_of_their_events() {
    let database = database().await;
    write(&database.db, A, 4).await;
    let tx = database.db.begin().await.unwrap();
    let locked = log::lock(&tx, &[B, A, NOWHERE, A]).await.unwrap();
    assert_eq!((locked.heads[&A].seq, locked.heads[&B].seq), (4, 0));
    assert_eq!(locked.skipped, [NOWHERE]);
    assert!(log::lock_waiting(&tx, &[A]).await.unwrap().skipped.is_empty());
    let want = |stream, events, ordinals| log::Want {
        stream,
        events,
        ordinals,
    };
    let reserved = log::reserve(&tx, &[want(B, 1, 1), want(A, 2, 1), want(A, 1, 1)])
        .await
        .unwrap();
    let range = reserved.of(A).unwrap();
    assert_eq!(
        (range.first_seq, range.events, range.first_ordinal, range.ordinals),
        (5, 3, 1, 2)
    );
    assert_eq!(reserved.of(NOWHERE), None);
    let events = vec![
        (7, event(A, 7)),
        (1, event(B, 1)),
        (5, event(A, 5)),
        (6, event(A, 6)),
    ];
    assert_eq!(
        seqs(&log::write(&tx, reserved, events).await.unwrap()),
        [7, 1, 5, 6]
    );
    tx.commit().await.unwrap();
    assert_eq!(seqs(&stored(&database.db, A, 4).await), [5, 6, 7]);
    assert_eq!(
        log::head(database.db.read(), A).await.unwrap().unwrap().ordinal,
        2
    );
}

#[tokio::test]
async fn what_was_reserved_is_what_must_be_written() {
    let database = database().await;
    let tx = database.db.begin().await.unwrap();
    let wrong: [&[(i64, Uuid)]; 5] = [
        &[],
        &[(1, A)],
        &[(1, A), (1, A)],
        &[(1, A), (3, A)],
        &[(1, A), (2, A), (1, B)],
    ];
    let mut first = 1;
    for seqs in wrong {
        let reserved = log::reserve(
            &tx,
            &[log::Want {
                stream: A,
                events: 2,
                ordinals: 0,
            }],
        )
        .await
        .unwrap();
        let events = seqs
            .iter()
            .map(|(seq, stream)| (first + seq - 1, event(*stream, 1)))
            .collect();
        let error = log::write(&tx, reserved, events).await.unwrap_err();
        assert!(
            matches!(error, StreamError::NotAsReserved(_)),
            "{seqs:?}: {error}"
        );
        first += 2;
    }
}

#[tokio::test]
async fn a_large_batch_is_written_in_pieces() {
    let database = database().await;
    assert_eq!(write(&database.db, A, 2500).await.len(), 2500);
    assert_eq!(
        seqs(&stored(&database.db, A, 0).await),
        (1..=2500).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn data_is_small_and_streams_exist() {
    let database = database().await;
    let with = |text: usize| NewEvent {
        data: Some("x".repeat(text).into()),
        ..event(A, 1)
    };
    assert!(with(MAX_DATA_BYTES - 2).check().is_ok());
    let tx = database.db.begin().await.unwrap();
    let error = log::append(&tx, vec![event(A, 1), with(MAX_DATA_BYTES - 1)])
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            StreamError::DataTooLarge {
                kind: "happened",
                bytes: 1025
            }
        ),
        "{error}"
    );
    assert_eq!(
        log::head(&tx, A).await.unwrap().unwrap().seq,
        0,
        "nothing was taken"
    );
    let error = log::append(&tx, vec![event(NOWHERE, 1)]).await.unwrap_err();
    assert_eq!(ApiError::from(error).code(), Code::NotFound);
}

#[tokio::test]
async fn pages_of_forty_streams_take_two_queries() {
    let database = database().await;
    let ids: Vec<Uuid> = (1000..1040).map(Uuid::from_u128).collect();
    for (n, id) in ids.iter().enumerate() {
        create(&database.db, *id).await;
        write(&database.db, *id, n).await;
    }
    let mut positions: Vec<(Uuid, i64)> = ids.iter().map(|id| (*id, 5)).collect();
    positions.extend([(NOWHERE, 0), (ids[20], 18), (ids[20], -1)]);
    let before = database.db.query_count();
    let pages = log::pages(database.db.read(), &positions, 10).await.unwrap();
    assert_eq!(database.db.query_count() - before, 2);
    for (n, page) in pages[..40].iter().enumerate() {
        let page = page.as_ref().unwrap();
        let n = n as i64;
        assert_eq!((page.stream, page.head.seq), (ids[n as usize], n));
        assert_eq!(page.reset, n < 5, "{n}");
        assert_eq!(seqs(&page.events), (6..=n.min(15)).collect::<Vec<_>>());
        assert_eq!(page.has_more, n > 15);
    }
    assert_eq!(pages[40], None);
    assert_eq!(seqs(&pages[41].as_ref().unwrap().events), [19, 20]);
    assert!(pages[42].as_ref().unwrap().reset);
}

#[tokio::test]
async fn locked_streams_give_numbers_without_a_statement() {
    let database = database().await;
    write(&database.db, A, 4).await;
    let tx = database.db.begin().await.unwrap();
    let mut locked = log::lock_waiting(&tx, &[A, B]).await.unwrap();
    let before = database.db.query_count();
    let want = |stream, events| log::Want {
        stream,
        events,
        ordinals: events,
    };
    let first = locked.reserve(&[want(A, 1), want(B, 2), want(A, 1)]).unwrap();
    let second = locked.reserve(&[want(A, 1)]).unwrap();
    assert_eq!(database.db.query_count(), before);
    let error = locked.reserve(&[want(NOWHERE, 1)]).unwrap_err();
    assert!(matches!(error, StreamError::Unknown(NOWHERE)));
    assert_eq!(first.of(A).unwrap().first_seq, 5);
    assert_eq!(second.of(A).unwrap().first_ordinal, 3);
    let events = vec![
        (5, event(A, 5)),
        (1, event(B, 1)),
        (6, event(A, 6)),
        (2, event(B, 2)),
    ];
    log::write(&tx, first, events).await.unwrap();
    log::write(&tx, second, vec![(7, event(A, 7))]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(seqs(&stored(&database.db, A, 4).await), [5, 6, 7]);
    let head = log::head(database.db.read(), A).await.unwrap().unwrap();
    assert_eq!((head.seq, head.ordinal), (7, 3));

    // A head that moved by another way meanwhile is noticed.
    let tx = database.db.begin().await.unwrap();
    let mut locked = log::lock_waiting(&tx, &[A]).await.unwrap();
    let late = locked.reserve(&[want(A, 1)]).unwrap();
    log::append(&tx, vec![event(A, 8)]).await.unwrap();
    let error = log::write(&tx, late, vec![(8, event(A, 8))]).await.unwrap_err();
    assert!(matches!(
        error,
        StreamError::NotAsReserved(A) | StreamError::Database(_)
    ));
}

/// SQLite has one writer; on PostgreSQL a stream that somebody holds is skipped, or waited for.
#[tokio::test]
async fn a_stream_that_is_held_is_skipped_or_waited_for() {
    let database = database().await;
    if !database.db.is_postgres() {
        return;
    }
    let holder = database.db.begin().await.unwrap();
    log::lock_waiting(&holder, &[A]).await.unwrap();
    let tx = database.db.begin().await.unwrap();
    let locked = log::lock(&tx, &[A, B]).await.unwrap();
    assert_eq!(locked.skipped, [A]);
    assert!(locked.heads.contains_key(&B));
    tx.rollback().await.unwrap();
    let tx = database.db.begin().await.unwrap();
    let waiting = log::lock_waiting(&tx, &[A]);
    let writing = async {
        log::append(&holder, vec![event(A, 1), event(A, 2)])
            .await
            .unwrap();
        holder.commit().await.unwrap();
    };
    let (locked, ()) = tokio::join!(waiting, writing);
    assert_eq!(locked.unwrap().heads[&A].seq, 2, "as the holder left it");
}

#[tokio::test]
async fn a_stream_is_erased_step_by_step() {
    let database = database().await;
    write(&database.db, A, 2500).await;
    write(&database.db, B, 1).await;
    let mut steps = 0;
    loop {
        let tx = database.db.begin().await.unwrap();
        log::lock_waiting(&tx, &[A]).await.unwrap();
        let more = log::erase_some(&tx, A).await.unwrap();
        tx.commit().await.unwrap();
        if !more {
            break;
        }
        steps += 1;
        if let Some(head) = log::head(database.db.read(), A).await.unwrap() {
            let left = stored(&database.db, A, 0).await.len() as i64;
            assert_eq!(left, head.seq - head.floor, "readers know what is gone");
        }
    }
    assert_eq!(steps, 4);
    assert_eq!(log::head(database.db.read(), A).await.unwrap(), None);
    assert_eq!(stored(&database.db, A, 0).await, []);
    assert_eq!(seqs(&stored(&database.db, B, 0).await), [1]);
}
