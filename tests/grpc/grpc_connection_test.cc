// How our client transport's connections come, go and come again.

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "client/src/grpc_transport.h"
#include "gmock/gmock.h"
#include "tests/grpc/grpc_server_fixture.h"

namespace udsrpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using GrpcConnectionTest = GrpcServerFixture;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST_F(GrpcConnectionTest, ToNobodyIsUnavailable) {
  const auto channel = OurChannel();
  for (int i = 0; i < 3; ++i) {
    const absl::Status status = Do(*channel, "");
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(Message(status), AllOf(HasSubstr(endpoint_.ToString()), HasSubstr("cannot connect"),
                                       HasSubstr("No such file"), HasSubstr("is the server running?")));
  }
}

TEST_F(GrpcConnectionTest, IsMadeByTheFirstCallAfterTheServerCame) {
  const auto channel = OurChannel();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Do(*channel, "").code(), absl::StatusCode::kUnavailable);
    StartServer();
    ExpectEcho(*channel);
    StopServer();
  }
}

TEST_F(GrpcConnectionTest, IsMadeAnewAfterTheServerWasReplaced) {
  const auto channel = OurChannel();
  for (int i = 0; i < 20; ++i) {
    StartServer();
    ExpectEcho(*channel);
    StopServer();
  }
}

TEST_F(GrpcConnectionTest, OfAChannelIsItsOwn) {
  StartServer();
  const auto first = OurChannel();
  const auto second = OurChannel();
  ExpectEcho(*first);
  ExpectEcho(*second);
  ExpectEcho(*first);
  EXPECT_TRUE(accepted_.Await(2));
  EXPECT_EQ(accepted_.times(), 2);
}

TEST_F(GrpcConnectionTest, IsRetriedByEachOfManyThreadsCalls) {
  const auto channel = OurChannel();
  Event failed;
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      while (Do(*channel, "").code() == absl::StatusCode::kUnavailable) failed.Happen();
      ExpectEcho(*channel);
    });
  }
  EXPECT_TRUE(failed.Await(50));
  StartServer();
  for (std::thread& caller : callers) caller.join();
}

TEST_F(GrpcConnectionTest, LostDuringACallIsUnavailable) {
  Event arrived;
  Event ended;
  service_.script = [&](ServerContext&, const StringValue&, StringValue&) {
    arrived.Happen();
    EXPECT_TRUE(ended.Await());
    return absl::OkStatus();
  };
  StartServer();
  const auto channel = OurChannel();
  std::thread shutdown([&] {
    EXPECT_TRUE(arrived.Await());
    StopServer(absl::InfinitePast());
  });
  const absl::Status status = Do(*channel, "");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(Message(status), AllOf(HasSubstr(endpoint_.ToString()), HasSubstr(kDo.path)));
  ended.Happen();
  shutdown.join();
}

TEST_F(GrpcConnectionTest, ToASocketThatNobodyListensAtIsUnavailable) {
  const std::string path = endpoint_.address();
  const UniqueFd bound(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(bind(bound.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const absl::Status status = Do(*OurChannel(), "");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status), HasSubstr("refused"));
}

TEST_F(GrpcConnectionTest, ThatIsHungUpOnAtOnceIsUnavailable) {
  const StreamListener listener(endpoint_, [](UniqueFd) {});
  const auto channel = OurChannel();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Do(*channel, "").code(), absl::StatusCode::kUnavailable);
}

TEST_F(GrpcConnectionTest, ThatIsNeverAnsweredEndsAtTheDeadline) {
  std::vector<UniqueFd> connections;
  const StreamListener listener(endpoint_, [&](UniqueFd connection) { connections.push_back(std::move(connection)); });
  ClientContext context;
  context.set_timeout(absl::Milliseconds(50));
  const absl::Status status = Do(*OurChannel(), context, "");
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Message(status), HasSubstr(endpoint_.ToString()));
}

TEST_F(GrpcConnectionTest, ThatIsNeverAnsweredCanBeCancelled) {
  Event connected;
  std::vector<UniqueFd> connections;
  const StreamListener listener(endpoint_, [&](UniqueFd connection) {
    connections.push_back(std::move(connection));
    connected.Happen();
  });
  ClientContext context;
  std::thread canceller([&] {
    EXPECT_TRUE(connected.Await());
    context.Cancel();
  });
  EXPECT_EQ(Do(*OurChannel(), context, "").code(), absl::StatusCode::kCancelled);
  canceller.join();
}

TEST_F(GrpcConnectionTest, WhoseDescriptorIsClosedWhenTheClientIsGone) {
  int descriptor = -1;
  struct stat socket {};
  StartServer();
  {
    const StreamListener second(*Endpoint::FromPath(dir_.File("second")), [&](UniqueFd connection) {
      descriptor = connection.get();
      ASSERT_EQ(fstat(descriptor, &socket), 0);
      Adopt(std::move(connection));
      accepted_.Happen();
    });
    endpoint_ = *Endpoint::FromPath(dir_.File("second"));
    ExpectEcho(*OurChannel());
  }
  ASSERT_EQ(accepted_.times(), 1);
  // The library closes it on a thread of its own.
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  const auto is_open = [&] {
    struct stat now;
    return fstat(descriptor, &now) == 0 && now.st_ino == socket.st_ino;
  };
  while (is_open() && absl::Now() < give_up) std::this_thread::yield();
  EXPECT_FALSE(is_open());
}

TEST_F(GrpcConnectionTest, IsRefusedForAnAddressThatGrpcCannotReach) {
  const auto transport = MakeGrpcClientTransport(*Endpoint::FromPath("/run/a,b"), {});
  EXPECT_EQ(transport.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(transport.status()), AllOf(HasSubstr("unix:/run/a%2Cb"), HasSubstr("kSeqpacket")));
}

TEST_F(GrpcConnectionTest, ToOddAddressesWorks) {
  for (const Endpoint& endpoint :
       {*Endpoint::FromPath("/" + dir_.File("odd %#?")),
        *Endpoint::FromAbstractName(std::string("udsrpc.test\0odd %", 17) + std::to_string(getpid()))}) {
    endpoint_ = endpoint;
    StartServer();
    ExpectEcho(*OurChannel());
    StopServer();
  }
}

}  // namespace
}  // namespace udsrpc::testing
