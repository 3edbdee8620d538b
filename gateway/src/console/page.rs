//! The page itself: files that the binary carries, as they are in the source tree.

use hyper::header::{CACHE_CONTROL, HeaderValue};
use hyper::{Response, StatusCode};

use crate::body::ReplyBody;
use crate::reply;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($path:literal, $kind:ident, $file:literal;)*) => {
        &[$(($path, $kind, include_str!(concat!("page/", $file)))),*]
    };
}

/// Each path below the console's with its content type and its text.
const FILES: &[(&str, &str, &str)] = files![
    "", HTML, "index.html";
    "/", HTML, "index.html";
    "/style.css", CSS, "style.css";
    "/icon.svg", SVG, "icon.svg";
    "/main.js", SCRIPT, "main.js";
    "/api.js", SCRIPT, "api.js";
    "/chart.js", SCRIPT, "chart.js";
    "/decisions.js", SCRIPT, "decisions.js";
    "/explain.js", SCRIPT, "explain.js";
    "/force.js", SCRIPT, "force.js";
    "/format.js", SCRIPT, "format.js";
    "/marks.js", SCRIPT, "marks.js";
    "/playground.js", SCRIPT, "playground.js";
    "/policies.js", SCRIPT, "policies.js";
    "/targets.js", SCRIPT, "targets.js";
    "/vendor/lit-html/lit-html.js", SCRIPT, "vendor/lit-html/lit-html.js";
    "/vendor/lit-html/directive.js", SCRIPT, "vendor/lit-html/directive.js";
    "/vendor/lit-html/directive-helpers.js", SCRIPT, "vendor/lit-html/directive-helpers.js";
    "/vendor/lit-html/directives/live.js", SCRIPT, "vendor/lit-html/directives/live.js";
    "/vendor/lit-html/directives/repeat.js", SCRIPT, "vendor/lit-html/directives/repeat.js";
];

/// The file at a path below the console's.
pub(super) fn file(path: &str) -> Option<Response<ReplyBody>> {
    let (_, kind, text) = FILES.iter().find(|(at, _, _)| *at == path)?;
    let mut reply = reply::bytes(StatusCode::OK, text.as_bytes());
    let headers = reply.headers_mut();
    headers.insert(hyper::header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Some(reply)
}
