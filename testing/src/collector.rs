//! A collector of traces that keeps what it is sent, on a thread of its own.

use axum::Router;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::Span as Sent,
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    thread,
};
use tonic::{Request, Response, Status, async_trait};

/// A span as it was sent.
#[derive(Debug, Clone)]
pub struct Span {
    /// What it is of.
    pub name: String,
    /// Its trace.
    pub trace: Vec<u8>,
    /// Itself.
    pub id: Vec<u8>,
    /// What it is a part of; empty for the first of a trace.
    pub parent: Vec<u8>,
    /// When it began and ended, in nanoseconds since 1970.
    pub time: (u64, u64),
    /// What it points to: traces and spans.
    pub links: Vec<(Vec<u8>, Vec<u8>)>,
    /// What is said of it, by key, as its debug form.
    pub attributes: BTreeMap<String, String>,
}

impl Span {
    fn of(sent: &Sent) -> Self {
        let links = sent.links.iter();
        let attributes = sent.attributes.iter();
        Self {
            name: sent.name.clone(),
            trace: sent.trace_id.clone(),
            id: sent.span_id.clone(),
            parent: sent.parent_span_id.clone(),
            time: (sent.start_time_unix_nano, sent.end_time_unix_nano),
            links: links
                .map(|link| (link.trace_id.clone(), link.span_id.clone()))
                .collect(),
            attributes: attributes
                .map(|said| (said.key.clone(), format!("{:?}", said.value)))
                .collect(),
        }
    }
}

/// What a collector has taken.
#[derive(Debug, Clone, Default)]
pub struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

impl Collector {
    /// Starts to listen; gives `telemetry.otlp_endpoint`.
    pub fn start() -> (Self, String) {
        let collector = Self::default();
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let service = TraceServiceServer::new(collector.clone());
        // It ends with the process.
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let path = "/opentelemetry.proto.collector.trace.v1.TraceService/{method}";
                let routes = Router::new().route_service(path, service);
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, routes).await.unwrap();
            });
        });
        (collector, format!("http://{address}"))
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<Span> {
        let requests = self.0.lock().unwrap();
        let resources = requests.iter().flat_map(|request| &request.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes
            .flat_map(|scope| scope.spans.iter().map(Span::of))
            .collect()
    }

    /// The one span of a name.
    pub fn span(&self, name: &str) -> Span {
        let mut found = self.spans();
        found.retain(|span| span.name == name);
        assert_eq!(found.len(), 1, "{name}: {:#?}", self.spans());
        found.remove(0)
    }

    /// The spans right below another.
    pub fn below(&self, parent: &Span) -> Vec<Span> {
        let mut found = self.spans();
        found.retain(|span| span.trace == parent.trace && span.parent == parent.id);
        found
    }

    /// All that was sent, to be searched for what must not be in it.
    pub fn text(&self) -> String {
        format!("{:?}", self.0.lock().unwrap())
    }
}

#[async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
