// Services as systemd starts them: by its own tool, systemd-socket-activate, which passes one kind of socket at a time,
// and by a stand-in that passes any.

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/src/socket/socket.h"
#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/support/child_process.h"

namespace udsrpc::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

SocketAddress AddressOf(const std::string& target, SocketKind kind) {
  return *SocketAddress::Of(*Endpoint::Parse(target), kind);
}

// Where services tell systemd how they are, as it listens there itself.
class NotifySocket {
 public:
  explicit NotifySocket(std::string path) : path_(std::move(path)), fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const SocketAddress address = AddressOf("unix:" + path_, SocketKind::kStream);
    EXPECT_EQ(bind(fd_.get(), address.get(), address.size()), 0);
  }
  ~NotifySocket() { unlink(path_.c_str()); }

  const std::string& path() const { return path_; }

  // The lines of the next message; none where none comes.
  std::vector<std::string> Next() {
    pollfd readable{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    char bytes[1024];
    if (poll(&readable, 1, 20000) != 1) return {};
    const ssize_t size = recv(fd_.get(), bytes, sizeof(bytes), 0);
    return absl::StrSplit(absl::string_view(bytes, size > 0 ? static_cast<size_t>(size) : 0), '\n');
  }

 private:
  const std::string path_;
  const UniqueFd fd_;
};

class SystemdTest : public ::testing::Test {
 protected:
  // The tool says on standard error what it does.
  static std::vector<std::string> Activate(const std::vector<std::string>& options) {
    std::vector<std::string> command{"sh", "-c", "exec systemd-socket-activate \"$@\" 2>/dev/null", "sh"};
    command.insert(command.end(), options.begin(), options.end());
    // It passes on nothing of the environment that it is not told to.
    for (const char* name : {"TSAN_OPTIONS", "ASAN_OPTIONS", "UBSAN_OPTIONS"}) {
      if (std::getenv(name) != nullptr) command.push_back(absl::StrCat("--setenv=", name, "=", std::getenv(name)));
    }
    command.emplace_back(UDSRPC_SYSTEMD_SERVER);
    return command;
  }

  // A call wakes the service.
  static absl::Status Call(const std::string& target, Transport transport) {
    const TestStub stub(*CreateChannel(target, {.transport = transport}));
    ClientContext context;
    context.set_timeout(absl::Seconds(20));
    context.set_wait_for_ready(true);
    EchoReply reply;
    return stub.Echo(context, EchoRequest(), reply);
  }

  static void ShutDown(ChildProcess& server) {
    server.CloseInput();
    EXPECT_EQ(server.ReadLine(), "done");
    EXPECT_EQ(server.Wait(), 0);
  }

  // A socket to pass, which children inherit.
  static UniqueFd Listen(const std::string& target, SocketKind kind) {
    const SocketAddress address = AddressOf(target, kind);
    UniqueFd fd(socket(AF_UNIX, SocketType(kind), 0));
    EXPECT_EQ(bind(fd.get(), address.get(), address.size()), 0);
    EXPECT_EQ(listen(fd.get(), 8), 0);
    return fd;
  }

  // A service that was passed the sockets of these names, in that order.
  static std::unique_ptr<ChildProcess> Pass(const std::vector<std::pair<std::string, const UniqueFd*>>& sockets,
                                            const std::vector<std::string>& targets = {}) {
    std::vector<std::string> command{UDSRPC_PASS_SOCKETS};
    for (const auto& [name, socket] : sockets) command.push_back(absl::StrCat(name, "=", socket->get()));
    command.insert(command.end(), {"--", UDSRPC_SYSTEMD_SERVER});
    command.insert(command.end(), targets.begin(), targets.end());
    return std::make_unique<ChildProcess>(command);
  }

  static pid_t ListenerOf(const std::string& target, SocketKind kind) {
    int error;
    const absl::StatusOr<UniqueFd> socket = ConnectSocket(AddressOf(target, kind), kind, absl::Seconds(20), &error);
    EXPECT_TRUE(socket.ok()) << socket.status();
    return socket.ok() ? GetPeerCredentials(socket->get())->pid : 0;
  }

  TempDir dir_;
  const std::string target_ = "unix:" + dir_.File("s");
};

TEST_F(SystemdTest, ItsToolPassesAStreamSocketToServeGrpcOn) {
  NotifySocket notify(dir_.File("notify"));
  ChildProcess server(Activate({"--listen=" + dir_.File("s"), "--setenv=NOTIFY_SOCKET=" + notify.path()}));
  EXPECT_EQ(Call(target_, Transport::kGrpc), absl::OkStatus());
  EXPECT_EQ(server.ReadLine(), "passed unknown");
  EXPECT_EQ(server.ReadLine(), "serving " + target_);
  EXPECT_EQ(server.ReadLine(), "ready");
  const std::vector<std::string> ready = notify.Next();
  EXPECT_THAT(ready, Contains("READY=1"));
  EXPECT_THAT(ready, Contains(absl::StrCat("MAINPID=", server.pid())));
  ShutDown(server);
  EXPECT_THAT(notify.Next(), Contains("STOPPING=1"));
}

TEST_F(SystemdTest, ItsToolPassesASeqpacketSocketOfAName) {
  NotifySocket notify(dir_.File("notify"));
  ChildProcess server(Activate({"--seqpacket", "--fdname=for 4001", "--listen=" + dir_.File("s.seqpacket"),
                                "--setenv=NOTIFY_SOCKET=" + notify.path()}));
  EXPECT_EQ(Call(target_, Transport::kSeqpacket), absl::OkStatus());
  EXPECT_EQ(server.ReadLine(), "passed for 4001");
  EXPECT_EQ(server.ReadLine(), "serving " + target_);
  EXPECT_EQ(server.ReadLine(), "ready");
  EXPECT_THAT(notify.Next(), Contains("READY=1"));
  ShutDown(server);
  EXPECT_THAT(notify.Next(), Contains("STOPPING=1"));
}

TEST_F(SystemdTest, ItsToolPassesAbstractNames) {
  const std::string name = absl::StrCat("udsrpc.test.systemd.", getpid());
  ChildProcess server(Activate({"--seqpacket", "--listen=@" + name}));
  EXPECT_EQ(Call("unix-abstract:" + name, Transport::kSeqpacket), absl::OkStatus());
  EXPECT_EQ(server.ReadLine(), "passed unknown");
  EXPECT_EQ(server.ReadLine(), "serving unix-abstract:" + name);
  EXPECT_EQ(server.ReadLine(), "ready");  // with nobody to tell
  ShutDown(server);
}

TEST_F(SystemdTest, BothSocketsOfAnEndpointAreOneEndpoint) {
  const UniqueFd stream = Listen(target_, SocketKind::kStream);
  const UniqueFd seqpacket = Listen(target_, SocketKind::kSeqpacket);
  const auto server = Pass({{"one", &stream}, {"two", &seqpacket}});
  EXPECT_EQ(server->ReadLine(), "passed one");
  EXPECT_EQ(server->ReadLine(), "passed two");
  EXPECT_EQ(server->ReadLine(), "serving " + target_);
  EXPECT_EQ(server->ReadLine(), "ready");
  EXPECT_EQ(Call(target_, Transport::kGrpc), absl::OkStatus());
  EXPECT_EQ(Call(target_, Transport::kSeqpacket), absl::OkStatus());
  ShutDown(*server);
}

TEST_F(SystemdTest, ClientsSeeTheServiceAndNotWhoBoundItsSocket) {
  const UniqueFd seqpacket = Listen(target_, SocketKind::kSeqpacket);
  EXPECT_EQ(ListenerOf(target_, SocketKind::kSeqpacket), getpid());
  const auto server = Pass({{"one", &seqpacket}});
  EXPECT_EQ(server->ReadLine(), "passed one");
  EXPECT_EQ(server->ReadLine(), "serving " + target_);
  EXPECT_EQ(ListenerOf(target_, SocketKind::kSeqpacket), server->pid());
  EXPECT_EQ(server->ReadLine(), "ready");
  ShutDown(*server);
}

// systemd keeps the sockets, and passes them again when somebody calls.
TEST_F(SystemdTest, AServiceThatEndsLeavesItsSocketsAndWhoWaitsThereForTheNext) {
  const UniqueFd stream = Listen(target_, SocketKind::kStream);
  const UniqueFd seqpacket = Listen(target_, SocketKind::kSeqpacket);
  const TestStub over_grpc(*CreateChannel(target_));
  const TestStub over_seqpacket(*CreateChannel(target_, {.transport = Transport::kSeqpacket}));
  for (int i = 0; i < 3; ++i) {
    const auto server = Pass({{"one", &stream}, {"two", &seqpacket}});
    ExpectEcho(over_seqpacket, "again");
    EXPECT_TRUE(AnsweredWithin(over_grpc, absl::Seconds(20)));
    server->CloseInput();
    EXPECT_EQ(server->Wait(), 0);
  }
}

TEST_F(SystemdTest, OthersThatItPassesAreLeftToTheProgram) {
  const UniqueFd stream = Listen(target_, SocketKind::kStream);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const UniqueFd reading(ends[0]);
  const UniqueFd writing(ends[1]);
  const auto server = Pass({{"left", &writing}, {"one", &stream}}, {"unix:" + dir_.File("own")});
  EXPECT_EQ(server->ReadLine(), "passed left");
  EXPECT_EQ(server->ReadLine(), "passed one");
  EXPECT_EQ(server->ReadLine(), "serving unix:" + dir_.File("own"));
  EXPECT_EQ(server->ReadLine(), "serving " + target_);
  EXPECT_EQ(server->ReadLine(), "ready");
  ShutDown(*server);
  const auto refused = Pass({{"one", &writing}});
  EXPECT_EQ(refused->ReadLine(), "passed one");
  EXPECT_THAT(refused->ReadLine().value_or(""), HasSubstr("no Unix socket"));
  EXPECT_EQ(refused->Wait(), 1);
}

TEST_F(SystemdTest, AServiceThatSomebodyStartedByHandHasItsOwnEndpoints) {
  ChildProcess server({UDSRPC_SYSTEMD_SERVER, target_});
  EXPECT_EQ(server.ReadLine(), "serving " + target_);
  EXPECT_EQ(server.ReadLine(), "ready");
  EXPECT_EQ(Call(target_, Transport::kSeqpacket), absl::OkStatus());
  ShutDown(server);
  EXPECT_TRUE(dir_.IsEmpty());
}

}  // namespace
}  // namespace udsrpc::testing
