//! Connections over plain TCP: which are used again, and which are not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
const BEGUN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi";

/// Somebody who answers in that way, and closes a connection after so many answers.
async fn answering(answer: &'static str, each: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&accepted);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(answer_over(stream, answer, each));
        }
    });
    (address, accepted)
}

async fn answer_over(mut stream: TcpStream, answer: &str, each: usize) {
    for _ in 0..each {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            head.push(byte);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn asked(transport: &Transport, address: &str) -> Received {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = address.parse().unwrap();
    transport.request(request).await.unwrap().into_body()
}

/// How many connections there were when somebody was asked that often, one after the other.
async fn connections(answer: &'static str, each: usize, times: usize) -> usize {
    let (address, accepted) = answering(answer, each).await;
    let transport = connect(None, None).unwrap();
    for _ in 0..times {
        let body = asked(&transport, &address).await.collect().await.unwrap();
        assert_eq!(body.to_bytes(), "hi");
        tokio::time::sleep(Duration::from_millis(20)).await; // what is closed, is closed by then
    }
    accepted.load(Ordering::Relaxed)
}

#[tokio::test]
async fn one_that_carried_a_whole_answer_carries_the_next() {
    assert_eq!(connections(WHOLE, usize::MAX, 5).await, 1);
    assert_eq!(connections(CHUNKED, usize::MAX, 5).await, 1);
}

#[tokio::test]
async fn one_that_the_other_side_has_closed_does_not() {
    assert_eq!(connections(WHOLE, 1, 5).await, 5);
    assert_eq!(connections(CHUNKED, 2, 5).await, 3);
}

#[tokio::test]
async fn one_whose_answer_nobody_has_read_is_closed() {
    let (address, accepted) = answering(BEGUN, usize::MAX).await;
    let transport = connect(None, None).unwrap();
    let mut body = asked(&transport, &address).await;
    assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
    drop(body);
    drop(asked(&transport, &address).await);
    assert_eq!(accepted.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let (address, _) = answering(BEGUN, 1).await;
    let body = asked(&connect(None, None).unwrap(), &address).await.collect().await;
    assert!(causes(&body.unwrap_err()).contains("end of file"), "it has nine bytes, and two came");
}

#[tokio::test]
async fn who_is_not_there_is_told_from_who_does_not_answer() {
    let mut request = Request::new(Full::default());
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    *request.uri_mut() = format!("http://{gone}/").parse().unwrap();
    let transport = connect(None, None).unwrap();
    let refused = transport.request(request.clone()).await.unwrap_err();
    assert!(refused.is_connect() && causes(&refused).contains("refused"), "{}", causes(&refused));
    let (address, _) = answering(WHOLE, 0).await;
    *request.uri_mut() = address.parse().unwrap();
    assert!(!transport.request(request).await.unwrap_err().is_connect());
}
