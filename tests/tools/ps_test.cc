// `udsrpc ps` beside servers and clients in processes of their own.

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/program_for_others.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "tests/tools/cli.h"
#include "tests/tools/served.h"
#include "tools/socket_tree.pb.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using tools::EndpointSockets;
using tools::SocketTree;

SocketTree ParseTree(const std::string& json) {
  SocketTree tree;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &tree);
  EXPECT_TRUE(status.ok()) << std::string(status.message()) << "\n" << json;
  return tree;
}

SocketTree Ps(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"ps", "--json"});
  return ParseTree(RunCli(arguments).out);
}

const EndpointSockets* FindEndpoint(const SocketTree& tree, pid_t server, const std::string& target) {
  for (const auto& process : tree.servers()) {
    for (const EndpointSockets& endpoint : process.endpoints()) {
      if (process.process().pid() == server && endpoint.target() == target) return &endpoint;
    }
  }
  return nullptr;
}

uint32_t ConnectionsOf(const EndpointSockets& endpoint, pid_t client, const std::string& transport) {
  uint32_t count = 0;
  for (const auto& one : endpoint.clients()) {
    if (one.process().pid() == client && one.transport() == transport) count += one.connections();
  }
  return count;
}

class PsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(long_directory_);
    server_ =
        std::make_unique<ChildProcess>(std::vector<std::string>{UDSRPC_TEST_SERVER, path_, abstract_, long_path_});
    ASSERT_EQ(server_->ReadLine(), "ready");
  }

  void TearDown() override {
    clients_.clear();
    server_->CloseInput();
    EXPECT_EQ(server_->Wait(), 0);
  }

  // A process that connects, and keeps its connection.
  pid_t StartClient(const std::string& target, const std::string& transport) {
    clients_.push_back(std::make_unique<ChildProcess>(
        std::vector<std::string>{UDSRPC_TEST_CLIENT, target, transport, "2", "never opened"}));
    return clients_.back()->pid();
  }

  // Looks until that client is connected: nothing else tells when it is.
  SocketTree AwaitClient(const std::string& target, pid_t client, const std::string& transport) {
    const absl::Time give_up = absl::Now() + absl::Seconds(30);
    while (true) {
      SocketTree tree = Ps({target});
      const EndpointSockets* const endpoint = FindEndpoint(tree, server_->pid(), target);
      if (endpoint != nullptr && ConnectionsOf(*endpoint, client, transport) > 0) return tree;
      if (absl::Now() > give_up) {
        ADD_FAILURE() << client << " is not connected:\n" << tree.DebugString();
        return tree;
      }
    }
  }

  TempDir dir_;
  const std::string path_ = absl::StrCat("unix:", dir_.File("s"));
  const std::string abstract_ = absl::StrCat("unix-abstract:udsrpc.ps.", getpid());
  const std::string long_directory_ = dir_.File(std::string(120, 'd'));
  const std::string long_path_ = absl::StrCat("unix:", long_directory_, "/s");
  std::unique_ptr<ChildProcess> server_;
  std::vector<std::unique_ptr<ChildProcess>> clients_;
};

TEST_F(PsTest, ItShowsWhatWasStarted) {
  struct Started {
    std::string target;
    std::string transport;
    pid_t pid;
  };
  std::vector<Started> started;
  for (const std::string& target : {path_, abstract_, long_path_}) {
    for (const std::string transport : {"grpc", "seqpacket"}) {
      started.push_back({target, transport, StartClient(target, transport)});
    }
  }
  for (const Started& client : started) AwaitClient(client.target, client.pid, client.transport);

  const SocketTree tree = Ps({});
  for (const std::string& target : {path_, abstract_, long_path_}) {
    const EndpointSockets* const endpoint = FindEndpoint(tree, server_->pid(), target);
    ASSERT_NE(endpoint, nullptr) << target << "\n" << tree.DebugString();
    EXPECT_EQ(endpoint->evidence(), EndpointSockets::PAIR);
    ASSERT_EQ(endpoint->sockets_size(), 2) << target;
    EXPECT_EQ(endpoint->sockets(0).transport(), "grpc");
    EXPECT_EQ(endpoint->sockets(1).transport(), "seqpacket");
    for (const auto& socket : endpoint->sockets()) {
      EXPECT_TRUE(socket.listening());
      EXPECT_GT(socket.backlog_limit(), 0u);
    }
    EXPECT_FALSE(endpoint->file_missing());
    EXPECT_EQ(endpoint->also_held_by_size(), 0);
    ASSERT_EQ(endpoint->clients_size(), 2) << endpoint->DebugString();
  }
  for (const Started& client : started) {
    const EndpointSockets& endpoint = *FindEndpoint(tree, server_->pid(), client.target);
    EXPECT_EQ(ConnectionsOf(endpoint, client.pid, client.transport), 1u) << client.target << " " << client.transport;
    for (const auto& one : endpoint.clients()) {
      EXPECT_EQ(one.process().uid(), geteuid());
      EXPECT_THAT(one.process().command(), HasSubstr(client.target));
    }
  }

  const std::string text = RunCli({"ps"}).out;
  for (const Started& client : started) {
    EXPECT_THAT(text, AllOf(HasSubstr(client.target), HasSubstr(absl::StrCat(client.pid)), HasSubstr("test_client")));
  }
  EXPECT_THAT(text, ::testing::Not(HasSubstr("\x1b[")));
  EXPECT_THAT(RunCli({"ps", "--color=always"}).out, HasSubstr("\x1b["));
}

TEST_F(PsTest, ATargetAloneIsShownInAnyOfItsForms) {
  for (const std::string& form : {path_, dir_.File("s"), "unix://" + dir_.File("s"), dir_.File("./s")}) {
    const SocketTree tree = Ps({form});
    ASSERT_EQ(tree.servers_size(), 1) << form;
    ASSERT_EQ(tree.servers(0).endpoints_size(), 1) << form;
    EXPECT_EQ(tree.servers(0).endpoints(0).target(), path_);
  }
  const std::string link = dir_.File("link");
  std::filesystem::create_directory_symlink(dir_.path(), link);
  EXPECT_EQ(Ps({link + "/s"}).servers_size(), 1);
  EXPECT_EQ(Ps({absl::StrCat("@udsrpc.ps.", getpid())}).servers_size(), 1);
}

TEST_F(PsTest, ATargetWhereNobodyListensIsUnreachable) {
  const CliResult nobody = RunCli({"ps", dir_.File("nobody")});
  EXPECT_EQ(nobody.code, kUnreachable);
  EXPECT_THAT(nobody.err, HasSubstr("nobody listens at unix:"));
  EXPECT_EQ(RunCli({"ps", "no-target"}).code, kUsage);
}

TEST_F(PsTest, AServerOfGrpcAloneIsShownWhereItIsNamed) {
  TestServiceImpl service;
  ServerBuilder builder;
  const std::string target = absl::StrCat("unix:", dir_.File("g"));
  builder.AddEndpoint(target, {.seqpacket = false}).RegisterService(&service);
  const auto server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  const SocketTree tree = Ps({target});
  const EndpointSockets* const endpoint = FindEndpoint(tree, getpid(), target);
  ASSERT_NE(endpoint, nullptr) << tree.DebugString();
  ASSERT_EQ(endpoint->sockets_size(), 1);
  EXPECT_EQ(endpoint->sockets(0).transport(), "stream") << "which protocol it is cannot be seen";
  EXPECT_EQ(FindEndpoint(Ps({}), getpid(), target), nullptr);
  EXPECT_NE(FindEndpoint(Ps({"--all"}), getpid(), target), nullptr);
}

TEST_F(PsTest, WhoWaitsToBeAcceptedIsSeenAndAFileThatIsGone) {
  const std::string file = dir_.File("w.seqpacket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(file.begin(), file.end(), address.sun_path);
  const UniqueFd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener.get(), 5), 0);
  const std::string target = absl::StrCat("unix:", dir_.File("w"));
  const pid_t client = StartClient(target, "seqpacket");
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  SocketTree tree;
  do {
    tree = Ps({target});
    // A client that connects while its process is looked for has a socket, and is not found.
  } while ((tree.servers(0).endpoints(0).clients_size() == 0 ||
            tree.servers(0).endpoints(0).clients(0).process().pid() == 0) &&
           absl::Now() < give_up);
  const EndpointSockets& endpoint = tree.servers(0).endpoints(0);
  EXPECT_EQ(endpoint.evidence(), EndpointSockets::SEQPACKET);
  EXPECT_EQ(endpoint.sockets(0).backlog(), 1u);
  EXPECT_EQ(endpoint.sockets(0).backlog_limit(), 5u);
  ASSERT_EQ(endpoint.clients_size(), 1);
  EXPECT_EQ(endpoint.clients(0).process().pid(), client);
  EXPECT_EQ(endpoint.clients(0).waiting(), 1u);
  EXPECT_THAT(RunCli({"ps", target}).out, HasSubstr("1 of at most 5 wait to be accepted by seqpacket"));

  unlink(file.c_str());
  tree = Ps({target});
  ASSERT_EQ(tree.servers_size(), 1);
  EXPECT_TRUE(tree.servers(0).endpoints(0).file_missing());
}

TEST_F(PsTest, WithoutSockDiagItSaysWhatIsNotKnown) {
  AwaitClient(path_, StartClient(path_, "seqpacket"), "seqpacket");
  std::vector<std::string> command{UDSRPC_WITHOUT_NETLINK};
  for (const std::string& word : CliArguments({"ps", path_, "--json"})) command.push_back(word);
  ChildProcess confined(command);
  const std::string json = confined.ReadAll();
  const std::optional<int> code = confined.Wait();
  if (code == 77) GTEST_SKIP() << "no seccomp";
  EXPECT_EQ(code, 0);
  const SocketTree tree = ParseTree(json);
  const EndpointSockets* const endpoint = FindEndpoint(tree, server_->pid(), path_);
  ASSERT_NE(endpoint, nullptr) << json;
  EXPECT_EQ(endpoint->evidence(), EndpointSockets::PAIR);
  EXPECT_FALSE(endpoint->sockets(0).has_backlog());
  ASSERT_EQ(endpoint->clients_size(), 1);
  EXPECT_EQ(endpoint->clients(0).connections(), 1u);
  EXPECT_FALSE(endpoint->clients(0).process().has_pid());
  ASSERT_GT(tree.notes_size(), 0);
  EXPECT_THAT(tree.notes(0), AllOf(HasSubstr("not known"), HasSubstr("sock_diag")));
}

TEST_F(PsTest, WhoMayNotLookIntoOthersIsToldSo) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  AwaitClient(path_, StartClient(path_, "grpc"), "grpc");
  const ProgramForOthers program(CliArguments({}).front());
  std::vector<std::string> command = program.As(65534, 65534, "65534");
  command.insert(command.end(), {"ps", path_, "--json"});
  ChildProcess other(command);
  const SocketTree tree = ParseTree(other.ReadAll());
  EXPECT_EQ(other.Wait(), 0);
  ASSERT_EQ(tree.servers_size(), 1);
  EXPECT_FALSE(tree.servers(0).process().has_pid());
  EXPECT_EQ(tree.servers(0).process().user(), "root") << "the socket's user is known to everybody";
  ASSERT_EQ(tree.servers(0).endpoints(0).clients_size(), 1);
  EXPECT_EQ(tree.servers(0).endpoints(0).clients(0).process().uid(), 0u);
  ASSERT_GT(tree.notes_size(), 0);
  EXPECT_THAT(tree.notes(0), HasSubstr("as root"));
}

TEST_F(PsTest, WhereThereIsNothingItSaysSo) {
  const bool is_root = geteuid() == 0;
  std::vector<std::string> command{"unshare", "--net"};
  if (!is_root) command.push_back("--map-root-user");
  for (const std::string& word : CliArguments({"ps"})) command.push_back(word);
  ChildProcess empty(command);
  const std::string text = empty.ReadAll();
  if (empty.Wait() != 0) GTEST_SKIP() << "no namespaces can be made";
  if (is_root) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat(abstract_, "  grpc, seqpacket  no connections  in network namespace ")));
    return;
  }
  EXPECT_THAT(text, HasSubstr("no udsrpc sockets; --all"));
  EXPECT_THAT(text, HasSubstr("may not be looked into"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("test_server")));
}

TEST_F(PsTest, RootSeesOtherNetworkNamespaces) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to enter them";
  const std::string path = absl::StrCat("unix:", dir_.File("inner"));
  ChildProcess inner({"unshare", "--net", UDSRPC_TEST_SERVER, path, abstract_});
  if (inner.ReadLine() != "ready") GTEST_SKIP() << "no namespaces can be made";
  const pid_t client = StartClient(path, "seqpacket");
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  SocketTree tree;
  const EndpointSockets* by_path = nullptr;
  do {
    tree = Ps({});
    by_path = FindEndpoint(tree, inner.pid(), path);
    ASSERT_NE(by_path, nullptr) << tree.DebugString();
    ASSERT_LT(absl::Now(), give_up) << tree.DebugString();
  } while (ConnectionsOf(*by_path, client, "seqpacket") == 0);

  EXPECT_FALSE(by_path->has_network()) << "a path is reached from everywhere";
  const EndpointSockets* const theirs = FindEndpoint(tree, inner.pid(), abstract_);
  ASSERT_NE(theirs, nullptr) << tree.DebugString();
  EXPECT_TRUE(theirs->has_network());
  EXPECT_EQ(theirs->evidence(), EndpointSockets::PAIR);
  const EndpointSockets* const ours = FindEndpoint(tree, server_->pid(), abstract_);
  ASSERT_NE(ours, nullptr) << "the same name in another namespace is another one\n" << tree.DebugString();
  EXPECT_FALSE(ours->has_network());
  inner.CloseInput();
  EXPECT_EQ(inner.Wait(), 0);
}

}  // namespace
}  // namespace udsrpc::testing
