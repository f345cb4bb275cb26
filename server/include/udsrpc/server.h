#ifndef UDSRPC_SERVER_H_
#define UDSRPC_SERVER_H_

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "udsrpc/internal/process_mark.h"
#include "udsrpc/server_interceptor.h"
#include "udsrpc/server_stats.h"
#include "udsrpc/service.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// Set by designated initializers: every field has a default, and fields are added, never reordered.
struct EndpointOptions {
  // Which transports the endpoint offers; at least one.
  bool grpc = true;
  bool seqpacket = true;

  // Permission bits of a path's sockets, an octal number of at most 0777, whatever the umask. The files have none
  // before they have these, and their owner and group. Connecting needs write permission.
  mode_t mode = 0600;

  // Owner and group of a path's sockets. Only root may give files away; any user may choose one of its own groups.
  // Default: the process's, or the directory's group where that is set-group-id.
  std::optional<uid_t> owner = std::nullopt;
  std::optional<gid_t> group = std::nullopt;

  // Users, and groups of callers (their own or a supplementary one), that are admitted beside this process's user and
  // root. Everybody else's calls end with PERMISSION_DENIED, and no interceptor or handler sees them; where a user has
  // 8 such connections further ones are closed at once, so that their calls end with UNAVAILABLE. Both empty: a path
  // admits whom `mode` and its directories admit (the others' calls end with UNAVAILABLE, as the kernel refuses them);
  // an abstract name, which has no permissions and is in reach of the whole network namespace, admits nobody else; an
  // endpoint without a name admits everybody.
  std::vector<uid_t> allowed_uids = {};
  std::vector<gid_t> allowed_gids = {};

  // Whether Peer::pidfd() is there; it takes a descriptor for each connection.
  bool peer_pidfd = false;
};

// What the processes of one user may have of a server at a time. A user is a uid as this process's user namespace has
// it: who may use many (newuidmap(1)) is many, and those that it does not know are one. Beyond it calls end with
// RESOURCE_EXHAUSTED, of that user alone. At least 1, or kUnlimited and kUnlimitedBytes. As EndpointOptions.
struct UserLimits {
  static constexpr int kUnlimited = std::numeric_limits<int>::max();
  static constexpr size_t kUnlimitedBytes = std::numeric_limits<size_t>::max();

  // Over both transports. One that is over the limit is kept just to answer its calls so; beyond 8 of these they are
  // closed at once, and their calls end with UNAVAILABLE. Over gRPC a connection counts for 5 s at least beyond its
  // end, and where 16,384 calls wait for threads until fewer do, as its descriptor's number cannot be used. Default:
  // a quarter of the descriptors that a process may usually open.
  int max_connections = 256;

  // That have come, whether or not their handlers run, and have not ended; one counts for a moment longer than its
  // client sees. Over gRPC a connection is closed that has more than 256 calls beyond it whose answers the client does
  // not take. Default: half of ServerOptions::max_handler_threads, so that one user cannot have them all.
  int max_calls = 512;

  // Of messages that the server keeps for the user: of requests until their calls have ended, of a stream's messages
  // until the handler has read them, and of what its clients have not taken: beyond it messages wait to be written, and
  // a connection that does not take its answers is closed. Over gRPC, of requests and responses alone: of a stream the
  // library reads no more than HTTP/2's flow control lets it. At most that and two packets (128 KiB) a connection is
  // kept.
  size_t max_bytes = 256 << 20;

  // Descriptors that have come over all of its connections and that no handler has taken, see
  // ServerOptions::max_untaken_fds; and as many that wait to be sent to it. 0: none may come, and none that cannot be
  // sent at once go. Default: as for one connection.
  size_t max_untaken_fds = 256;
};

// As EndpointOptions.
struct ServerOptions {
  // The largest message accepted, in bytes of its encoding; a larger one ends its call with RESOURCE_EXHAUSTED, before
  // any of it is kept. Protobuf's own limit is 2 GiB. Default: that of gRPC 1.51.
  size_t max_receive_message_bytes = 4 << 20;

  // The most metadata accepted from a client for one call, by Metadata::ByteSize; more ends it with RESOURCE_EXHAUSTED.
  // Over seqpacket a client sends at most 24 KiB. Default: that of gRPC 1.51.
  size_t max_metadata_bytes = 8 << 10;

  // Descriptors accepted with one message over seqpacket, 0 to 253, which is the kernel's limit; more than 253 counts
  // as that. 0, the default: none, and the kernel drops what a client sends all the same. Those that come and have not
  // been taken (TakeFds), over all calls of a connection, are at most `max_untaken_fds`: with a message beyond that its
  // call fails with RESOURCE_EXHAUSTED. See docs/SECURITY.md before accepting any of clients that are not trusted.
  size_t max_receive_fds = 0;
  size_t max_untaken_fds = 256;

  // Handlers that may begin or run at once, over all connections of one transport (so twice as many with both); further
  // calls wait: users take turns, and so do the connections of each. Those whose deadline passes meanwhile end without
  // their handlers. Where a user's have waited for half of the time that they were given, the newest go first, as the
  // oldest would begin too late to end in time: so a server that is asked for more than it can do still does as much as
  // it can. At least 1. A handler that blocks counts until it returns, one of a stream as long as its stream. A
  // coroutine that waits does not count, and goes on whatever the limit; so this does not bound how many wait: over
  // seqpacket a connection has at most 16,384 calls open, over gRPC there is no limit. Threads are started as handlers
  // block and end when long unused; one or two more are there to read.
  int max_handler_threads = 1024;

  // Connections without a call for so long are closed; clients make another when they call again (those of
  // Server::AddConnection cannot: over seqpacket they are left open, over gRPC they are closed as well). In an orderly
  // way over seqpacket; over gRPC a call that begins in that very moment ends with UNAVAILABLE, as gRPC 1.51 has it.
  // Default: never.
  absl::Duration max_connection_idle = absl::InfiniteDuration();

  // Over gRPC, clients are asked to make another connection when theirs is so old, give or take a tenth, as by gRPC's
  // own servers; calls that run go on on the old one, and in about one of 2,400 such moves gRPC 1.51 loses a call to a
  // "Broken pipe". For servers with EnableTakeover, and clients other than udsrpc's, which no other way that costs no
  // calls brings to the successor: less than TakeoverOptions::drain_timeout, then. Over seqpacket it says nothing. At
  // least a millisecond. Those of Server::AddConnection cannot be made again. Default: never.
  absl::Duration max_connection_age = absl::InfiniteDuration();

  // As ChannelOptions::spin_budget, for the thread that waits for what the clients send.
  absl::Duration spin_budget = absl::Microseconds(50);

  // See every call that reaches a method of the server, the first of them outermost.
  std::vector<ServerInterceptorFactory> interceptors = {};

  // Over seqpacket: so many threads at a time read requests, each for a share of the connections, so that one caller
  // with much to do does not hold up all others. `max_handler_threads` is for all of them together; each has one or two
  // threads more to read. 0, the default: half as many as there are CPUs that the process may run on when the server
  // starts, but at least 1 and at most 8. At most 256.
  int event_loops = 0;

  // Of every user but root and this process's; and those of the users that are named, be they one of these two.
  UserLimits user_limits = {};
  std::map<uid_t, UserLimits> user_limits_of = {};

  // Of all remote callers together (ServerBuilder::AddRemoteEndpoint), who are nobody of this host: who has one
  // certificate may have many addresses, and who has none may be anybody, so none of them is a user by itself. They
  // have as many threads for handlers of their own as `max_handler_threads` says, and take none from the host's
  // callers. `max_connections` and `max_untaken_fds` say nothing: gRPC 1.51 has no limit of connections but that of
  // open files; one that has not shaken hands within 20 s is closed. One connection has at most 256 calls open beyond
  // `max_calls`.
  UserLimits remote_limits = {};

  // Gets what no call can be told, as lines for people: that connections cannot be accepted, for want of descriptors or
  // memory, and that they can again; a few in a minute at most. By a thread of the server's, which it must not block.
  // Default: stderr.
  std::function<void(absl::string_view)> log = nullptr;
};

// How the handlers of one method are run, and for whom. As EndpointOptions.
struct MethodOptions {
  // Over gRPC it says nothing: a thread of a pool reads the request and runs the handler, and others read on.
  enum class Dispatch {
    // On the thread that read the request, which hands nothing over and is the quickest; another one reads on once the
    // handler has run for 1 to 5 ms. Where that happens to more than about 1 in 50 calls, on another thread, until they
    // have been quick for a while.
    kAdaptive,
    // On the thread that read the request, whatever has been.
    kInline,
    // On another thread, while there is one to be had: for a method that is known to block, or to compute for
    // milliseconds, so that not even its first calls delay others.
    kPool,
  };
  Dispatch dispatch = Dispatch::kAdaptive;

  // As those of EndpointOptions, of those that the endpoint admits: everybody else's calls end with PERMISSION_DENIED,
  // and no interceptor or handler sees them. Both empty: for everybody.
  std::vector<uid_t> allowed_uids = {};
  std::vector<gid_t> allowed_gids = {};
};

// As EndpointOptions.
struct TakeoverOptions {
  // How long, once another server has taken over, this one goes on serving the clients that have not moved to it yet,
  // and the calls that have not ended. Calls that still run then are cancelled.
  absl::Duration drain_timeout = absl::Seconds(30);
};

class MethodTable;
class ServerCredentials;  // made by GrpcCredentials of grpc_server_credentials.h
class ServerExtension;
class ServerTransport;

// A running server. Made by ServerBuilder::Start. Thread-safe.
//
// It is of the process that started it. In a child of fork(2) there is no server: to destroy it there, or to shut it
// down, does nothing, Wait returns at once, and AddConnection gives FAILED_PRECONDITION. But its sockets stay open in
// the child until that calls exec or ends, so a parent that dies before is still found listening.
class Server {
 public:
  // As Shutdown(absl::InfinitePast()): cancels calls and waits for their handlers. Where one calls exit(3) it only
  // stops listening and removes the socket files; the others run on, so what they use, as the service, must not be
  // destroyed.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves a connected Unix socket, be it an end of a socketpair(2) or inherited: over gRPC where its type is
  // SOCK_STREAM, over seqpacket where it is SOCK_SEQPACKET. The other end is for CreateChannelFromFd, or of type
  // SOCK_STREAM for any gRPC client. Makes `fd` non-blocking and close-on-exec, and
  // closes it where it returns not OK. Does not block. Of a pair, Peer says who made it: where that is this process,
  // whoever has the other end passes for the server's own user, in allowed_uids and in UserLimits. INVALID_ARGUMENT: it
  // is no such socket. FAILED_PRECONDITION: the server has no endpoint without a name (see
  // ServerBuilder::AddUnnamedEndpoint), or that does not offer the transport. PERMISSION_DENIED: that endpoint does not
  // admit the peer. UNAVAILABLE: the server shuts down. RESOURCE_EXHAUSTED: no descriptor left, or UserLimits.
  absl::Status AddConnection(UniqueFd fd);

  // Stops listening, removes the socket files, refuses new calls (UNAVAILABLE), lets running ones end until
  // `deadline` and then cancels the rest: their clients get UNAVAILABLE or CANCELLED and their contexts turn
  // cancelled. Where another server has taken over, what is left to be done is done by `deadline`. Blocks until every
  // handler has ended: one that never looks at IsCancelled delays it, and a coroutine that awaits what cannot be
  // cancelled holds it up for ever. A socket file whose directory another process keeps locked for 0.1 s is left
  // behind, for the next server to replace. Must not be called from a handler: the program ends with a message. Nor on
  // another thread by which a handler's coroutine is yet to go on. Further calls wait for the first.
  void Shutdown(absl::Time deadline);
  void Shutdown() { Shutdown(absl::InfiniteFuture()); }

  // Why a server has ended.
  enum class End {
    kShutdown,   // by Shutdown
    kTakenOver,  // another one serves its endpoints, see ServerBuilder::EnableTakeover
  };

  // Blocks until some thread has shut the server down, or until another one has taken over from it and its clients have
  // left.
  End Wait();

  // What the server has counted: calls method by method, and who is connected. Takes some microseconds a method that
  // was called, and a system call a connection over gRPC; holds up no call.
  ServerStats Stats() const;

  // The endpoints' targets, as clients write them, in the order in which they were added; of those that have a name.
  // The remote ones come last, each with the port that it has.
  const std::vector<std::string>& endpoints() const { return endpoints_; }

 private:
  friend class ServerBuilder;
  Server();

  struct State;
  internal::ProcessMark process_;
  std::vector<std::string> endpoints_;
  std::unique_ptr<State> state_;
};

// Collects what a server is made of. Not thread-safe.
class ServerBuilder {
 public:
  ServerBuilder() = default;
  explicit ServerBuilder(ServerOptions options) : options_(std::move(options)) {}

  // `target` is parsed by Start. At least one endpoint is needed, be it one that is passed.
  ServerBuilder& AddEndpoint(absl::string_view target, EndpointOptions options = {});

  // An endpoint at an abstract name that the kernel chooses, and that nobody else has: Server::endpoints() says which.
  ServerBuilder& AddAutobindEndpoint(EndpointOptions options = {});

  // An endpoint without a name, whose connections are brought by Server::AddConnection: between a parent and a
  // sandboxed child no name is needed. Of the options those of permission bits and owners say nothing. The last call
  // wins.
  ServerBuilder& AddUnnamedEndpoint(EndpointOptions options = {});

  // Leaves the host: a TCP port, served over gRPC to whom `credentials` admit, by the same services. `address` is
  // "192.0.2.1:443", "[2001:db8::1]:443", "name.example:443", or a target (dns:///, ipv4:, ipv6:) of one of these; port
  // 0 is any that is free, and "0.0.0.0" and "[::]" each stand for all addresses of this host, of both families, as
  // gRPC has it. Link udsrpc::remote.
  //
  // The kernel does not say who calls (see Peer::remote), so methods that are for users or groups (MethodOptions)
  // refuse these callers with PERMISSION_DENIED, whatever they have proved; who else may call what is for an
  // interceptor to say. What all of them may have is ServerOptions::remote_limits. The other options are as over gRPC
  // on Unix sockets, and no descriptors are carried.
  //
  // At a takeover the port is not handed over: the successor listens beside this server until that has stopped
  // (SO_REUSEPORT, which a server without EnableTakeover does not set), and this one ends there as by Shutdown, so
  // calls may end with UNAVAILABLE then. The successor has its share of new connections from before it is known
  // whether it takes over; where it does not, those are lost.
  ServerBuilder& AddRemoteEndpoint(absl::string_view address, std::shared_ptr<const ServerCredentials> credentials);

  // A socket that another process, such as a service manager, has bound and listens on: an endpoint, or one of an
  // endpoint's two sockets, found out from its type and address. A stream socket serves gRPC at that address; a
  // seqpacket socket, at PATH.seqpacket or at an abstract name, serves seqpacket at unix:PATH or at that name. Makes
  // `fd` non-blocking and close-on-exec. The socket is never shut down, nor its file removed. Where AddEndpoint names
  // the same address, only what was not passed is made. `options` says who is admitted; what it says of transports,
  // mode, owner and group is for sockets that the server makes.
  // Clients see this process as the one that listens, but for those that had connected before Start; the backlog
  // becomes the largest that the system allows (net.core.somaxconn).
  ServerBuilder& AddListeningSocket(UniqueFd fd, EndpointOptions options = {});

  // Lets servers replace each other without a gap. Start asks the server that waits at `path`, if there is one, for the
  // sockets of those endpoints that both have: clients that wait in their backlogs, and bind mounts of their files,
  // notice nothing. Once this server serves, that one accepts no more, asks its clients to move here, and ends when
  // they have (Server::Wait). Where this one fails or dies before it accepts, that one goes on as if nothing were. From
  // then on this server waits at `path` for its own successor. Where nobody waits there, Start claims all endpoints;
  // from one that was killed a moment ago, and whose sockets the kernel has not closed yet, within a second.
  //
  // `path` is a socket file of its own, not an endpoint's, of mode 0600; only the running server's user and root take
  // over, and only from their own user or root. Endpoints that only the running server has end with it, and those that
  // only this one has are claimed. What was taken over keeps its mode, owner and group; whom it admits is this server's
  // to say. An endpoint with a name that the kernel chose (AddAutobindEndpoint) is not taken over.
  //
  // Clients of udsrpc lose no call, but for the rare ones of docs/ARCHITECTURE.md, for channels whose local_address is
  // an abstract name while calls run on their former connection, and for endpoints that this server does not take.
  // Connections of Server::AddConnection stay with the running server to its end. Over gRPC clients learn of the
  // successor with the answer to a call, so one that makes none keeps its connection, and the running server, until
  // `drain_timeout` is over; so do clients of other libraries, which know nothing of it, unless
  // ServerOptions::max_connection_age has them move before.
  ServerBuilder& EnableTakeover(absl::string_view path, TakeoverOptions options = {});

  // `service` must outlive the server, and is called by many threads at once. A handler that throws ends its call with
  // UNKNOWN and the exception's what(), which the client sees.
  ServerBuilder& RegisterService(Service* service);

  // `extension` must outlive the server. Its services are offered like those of RegisterService. Null, or with a null
  // service: Start ends with INVALID_ARGUMENT. See server_extension.h.
  ServerBuilder& AddExtension(ServerExtension* extension);

  // `path` is "/package.Service/Method", as in ServerContext::method(). The last call for a path wins.
  ServerBuilder& SetMethodOptions(absl::string_view path, MethodOptions options);

  // Listens on every endpoint and starts to serve, or leaves no socket behind. Once a builder. Blocks for at most 2 s
  // an endpoint, while another process locks its directory, and 30 s for the server that it takes over, and as long as
  // it takes to look up the name of a remote one. The message names the endpoint and says what to do.
  // INVALID_ARGUMENT: no endpoint; a target that is none; a path too long; an endpoint without a transport; a mode that
  //   is none; a passed socket that is none to serve on; a path for takeovers that is none; a null service or
  //   extension; no handler threads; more event loops than 256; a user's limit below 1; options of a method that no
  //   service has; a remote endpoint without credentials, or with some that gRPC refuses, or at an address that is none
  //   of this host's.
  // ALREADY_EXISTS: a live server holds the endpoint, or something that is no socket is at the path; two services of
  //   one name; somebody listens on the port.
  // NOT_FOUND: the path's directory is missing. PERMISSION_DENIED: it may not be read and written, or the socket not be
  //   given to that owner or group, or this user may not take over, or not listen on the port. FAILED_PRECONDITION:
  //   everybody may write the directory, and it is not sticky.
  // UNAVAILABLE: another process keeps the directory locked; the running server went while it was taken over.
  // DEADLINE_EXCEEDED: that one does not answer.
  // ABORTED: another process is taking over at the moment. RESOURCE_EXHAUSTED: no descriptor or thread left.
  // INTERNAL: the kernel or gRPC refused for another reason.
  // UNIMPLEMENTED: an endpoint offers gRPC and the program is linked without it.
  // Any other: what an extension's OnStart has returned.
  absl::StatusOr<std::unique_ptr<Server>> Start();

 private:
  class Starting;

  ServerOptions options_;
  // Without a target the kernel chooses a name.
  std::vector<std::pair<std::optional<std::string>, EndpointOptions>> endpoints_;
  std::optional<EndpointOptions> unnamed_endpoint_;
  std::vector<std::pair<std::shared_ptr<UniqueFd>, EndpointOptions>> passed_sockets_;
  std::vector<std::pair<std::string, std::shared_ptr<const ServerCredentials>>> remote_endpoints_;
  std::optional<std::string> takeover_path_;
  TakeoverOptions takeover_options_;
  std::vector<Service*> services_;
  std::vector<ServerExtension*> extensions_;
  std::map<std::string, MethodOptions> method_options_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_H_
