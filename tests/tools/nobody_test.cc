// Where there is no server to be asked, or one that does not answer: each command says so in one line.

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "tests/support/program_for_others.h"
#include "tests/tools/served.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// A socket of somebody else's, who listens and says nothing.
UniqueFd Listen(const std::string& path, int type) {
  UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(fd.get(), 8), 0);
  return fd;
}

// Those that go on once the server has answered: with --timeout for that.
std::vector<std::vector<std::string>> Watchers(const std::string& target, const std::string& file) {
  return {{"trace", target}, {"record", target, file}};
}

// Each command that asks a server.
std::vector<std::vector<std::string>> Commands(const std::string& target) {
  return {{"list", target}, {"call", target, "a.B/C"}, {"health", target}, {"health", target, "--wait"}};
}

// `timeout`: for where nothing is said. The one that waits does so for a moment.
void ExpectUnreachable(const std::string& target, const std::string& transport, const std::string& what,
                       const std::string& timeout = "20s") {
  for (std::vector<std::string> words : Commands(target)) {
    const bool waits = words.back() == "--wait";
    words.push_back("--transport=" + transport);
    words.push_back("--timeout=" + (waits ? "100ms" : timeout));
    SCOPED_TRACE(words[0] + " over " + transport);
    ExpectError(RunCli(words), kUnreachable, waits ? "--timeout" : what);
  }
}

TEST(NobodyTest, NobodyListens) {
  const TempDir dir;
  for (const char* transport : {"seqpacket", "grpc", "auto"}) {
    ExpectUnreachable("unix:" + dir.File("s"), transport, "\"udsrpc ps\" lists the servers that run");
    const CliResult result = RunCli({"list", "unix:" + dir.File("s"), absl::StrCat("--transport=", transport)});
    EXPECT_THAT(result.err, Not(HasSubstr("is the server running")));
  }
  ExpectUnreachable("@udsrpc.test.nobody", "auto", "\"udsrpc ps\" lists the servers that run");
}

TEST(NobodyTest, ASocketThatADeadServerLeft) {
  const TempDir dir;
  Listen(dir.File("s"), SOCK_STREAM).reset();
  Listen(dir.File("s.seqpacket"), SOCK_SEQPACKET).reset();
  for (const char* transport : {"seqpacket", "grpc"}) {
    ExpectUnreachable("unix:" + dir.File("s"), transport, "Connection refused");
  }
  unlink(dir.File("s").c_str());
  unlink(dir.File("s.seqpacket").c_str());
}

TEST(NobodyTest, ASocketOfAnotherKind) {
  const TempDir dir;
  const UniqueFd stream = Listen(dir.File("stream"), SOCK_STREAM);
  const UniqueFd seqpacket = Listen(dir.File("s.seqpacket"), SOCK_SEQPACKET);
  const UniqueFd packets = Listen(dir.File("packets"), SOCK_SEQPACKET);
  for (std::vector<std::string> words : Watchers("unix:" + dir.File("s"), dir.File("recorded"))) {
    words.push_back("--transport=seqpacket");
    {
      ChildProcess interrupted(CliArguments(words));
      pollfd asked{.fd = seqpacket.get(), .events = POLLIN, .revents = 0};
      ASSERT_EQ(poll(&asked, 1, 20000), 1);
      const UniqueFd connection(accept4(seqpacket.get(), nullptr, nullptr, SOCK_CLOEXEC));
      interrupted.Kill(SIGINT);
      EXPECT_EQ(interrupted.Wait(), kUnreachable);
    }
    words.push_back("--timeout=100ms");
    ExpectError(RunCli(words), kUnreachable, "give it more time with --timeout");
    const UniqueFd connection(accept4(seqpacket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_NE(access(dir.File("recorded").c_str(), F_OK), 0);
  }
  const std::string silent = "give it more time with --timeout, unless the socket is of something else";
  // The library's own attempt may end at the same time.
  ExpectUnreachable("unix:" + dir.File("stream"), "grpc", "", "100ms");
  ExpectUnreachable("unix:" + dir.File("stream"), "auto", "", "100ms");
  ExpectUnreachable("unix:" + dir.File("s"), "seqpacket", silent, "100ms");
  ExpectUnreachable("unix:" + dir.File("s"), "auto", silent, "100ms");
  ExpectUnreachable("unix:" + dir.File("packets"), "grpc", "rong type");
  ExpectUnreachable(
      "unix:" + dir.File("packets"), "auto",
      "; something that is no gRPC server listens there; \"udsrpc ps unix:" + dir.File("packets") + "\" shows who\n");
  ExpectUnreachable("unix:" + dir.File("s.seqpacket"), "auto",
                    "; name the endpoint without .seqpacket, as in unix:" + dir.File("s") + "\n");
  ExpectUnreachable("unix:" + dir.File("stream"), "seqpacket", "; leave out --transport=seqpacket\n");
  std::fclose(std::fopen(dir.File("regular").c_str(), "w"));
  ExpectUnreachable("unix:" + dir.File("regular"), "auto", "; what is there is no socket; ");
  unlink(dir.File("regular").c_str());
  ExpectUnreachable("unix:" + dir.File("packets"), "auto", "rong type");
  for (const char* name : {"stream", "s.seqpacket", "packets"}) unlink(dir.File(name).c_str());
}

// Accepts one connection after another, says something that is of no protocol, and closes it.
class Stranger {
 public:
  Stranger(const std::string& path, int type)
      : listener_(Listen(path, type)), thread_([this] {
          for (;;) {
            const UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!fd.valid()) return;
            static_cast<void>(send(fd.get(), "220 welcome\r\n", 13, MSG_NOSIGNAL));
          }
        }) {}
  ~Stranger() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

 private:
  const UniqueFd listener_;
  std::thread thread_;
};

TEST(NobodyTest, ASocketOfAnotherProtocol) {
  const TempDir dir;
  {
    const Stranger stream(dir.File("stream"), SOCK_STREAM);
    const Stranger seqpacket(dir.File("s.seqpacket"), SOCK_SEQPACKET);
    ExpectUnreachable("unix:" + dir.File("stream"), "grpc", "", "100ms");
    ExpectUnreachable("unix:" + dir.File("s"), "seqpacket", "");
    ExpectUnreachable("unix:" + dir.File("s"), "auto", "");
  }
  for (const char* name : {"stream", "s.seqpacket"}) unlink(dir.File(name).c_str());
}

TEST(NobodyTest, AServerThatThisUserMayNotCall) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be another user";
  const TempDir dir;
  chmod(dir.path().c_str(), 0755);
  const std::string path = "unix:" + dir.File("s");
  const std::string abstract = absl::StrCat("@udsrpc.test.closed.", getpid());
  TestServiceImpl service;
  ServerBuilder builder;
  builder.AddEndpoint(path).AddEndpoint("unix-abstract:" + abstract.substr(1)).RegisterService(&service);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  const ProgramForOthers program(UDSRPC_CLI);
  for (const std::string& target : {path, abstract}) {
    for (const std::string transport : {"seqpacket", "grpc"}) {
      for (const std::vector<std::string>& command : Commands(target)) {
        if (command.back() == "--wait") continue;  // somebody may yet let this user in
        std::vector<std::string> words{"sh", "-c", "exec \"$@\" 2>&1", "sh"};
        for (const std::string& word : program.As(4711, 4711, "4711")) words.push_back(word);
        words.insert(words.end(), command.begin(), command.end());
        words.push_back("--transport=" + transport);
        ChildProcess child(words);
        const std::string said = child.ReadAll();
        EXPECT_EQ(child.Wait(), kUnreachable) << said;
        EXPECT_THAT(said, AllOf(HasSubstr("try as another user"), Not(HasSubstr("udsrpc ps"))));
        EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
      }
    }
  }
}

TEST(NobodyTest, AServerWithoutReflectionOrHealth) {
  const TempDir dir;
  const std::string target = "unix:" + dir.File("s");
  TestServiceImpl service;
  ServerBuilder builder;
  builder.AddEndpoint(target).RegisterService(&service);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  for (const std::string transport : {"--transport=seqpacket", "--transport=grpc", "--transport=auto"}) {
    for (std::vector<std::string> words : Commands(target)) {
      words.push_back(transport);
      ExpectError(RunCli(words), kFailed, words[0] == "health" ? "has no health checking" : "with --proto");
    }
    const CliResult result = RunCli({"call", target, "udsrpc.testing.Test/Echo", "{\"text\":\"a\"}", "--json",
                                     transport, "--proto=" UDSRPC_TEST_PROTO_ROOT "/tests/proto/testing.proto"});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out, "{\"text\":\"a\"}\n");
  }
}

TEST(NobodyTest, ATargetThatIsNone) {
  for (const std::vector<std::string>& words : Commands("localhost:80")) {
    ExpectError(RunCli(words), kUsage, "a target is unix:PATH");
  }
  for (const std::vector<std::string>& words : Commands("dns:///somewhere:80")) {
    ExpectError(RunCli(words), kUsage, "udsrpc asks servers of this host only");
  }
  ExpectError(RunCli({"ps", "ipv4:1.2.3.4:80"}), kUsage, "udsrpc asks servers of this host only");
  ExpectError(RunCli({"list", "g.sock"}), kUsage, "did you mean ./g.sock?");
  ExpectError(RunCli({"ps", "g.sock"}), kUsage, "did you mean ./g.sock?");
}

TEST(NobodyTest, APathNeedsASlashAnywhere) {
  for (const char* path : {"nowhere/s", "../nowhere/s", "no:where/s"}) {
    ExpectError(RunCli({"list", path}), kUnreachable, absl::StrCat("unix:", path));
  }
}

}  // namespace
}  // namespace udsrpc::testing
