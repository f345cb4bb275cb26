// What a server that means harm can cost a client of ours over seqpacket, and the client's calls to other servers.

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/socket/socket.h"
#include "common/src/wire/limits.h"
#include "tests/hostile/rest.h"
#include "tests/hostile/strike.h"
#include "tests/support/child_process.h"
#include "tests/support/event.h"
#include "tests/support/open_files.h"
#include "tests/support/process_usage.h"
#include "tests/support/stream_frames.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {
namespace {

using wire::FrameType;
using Outcome = Strike::Sent;

std::string ServersHello(uint32_t max_calls = 16384, uint64_t max_message = 4 << 20) {
  return wire::SerializeFrame(wire::HelloFrame{
      .version = 1, .min_version = 1, .max_calls = max_calls, .max_metadata = 8192, .max_message = max_message});
}
std::string PacketOf(const std::string& frame) {
  std::string packet;
  while (packet.size() + frame.size() <= wire::kMaxPacketBytes) packet += frame;
  return packet;
}

// Says `answer(call)` to each call that comes, as long as there is time, and reads on.
template <typename AnswerTo>
void AnswerEach(Strike& strike, int fd, const AnswerTo& answer_to) {
  strike.Send(fd, ServersHello());
  while (strike.More()) {
    pollfd socket{.fd = fd, .events = POLLIN, .revents = 0};
    if (poll(&socket, 1, 50) <= 0) continue;
    const std::string packet = Strike::Receive(fd);
    if (packet.empty()) return;
    for (wire::PacketReader reader(packet); !reader.done();) {
      const absl::StatusOr<wire::RawFrame> frame = reader.Next();
      if (!frame.ok()) return;
      if (frame->header.type != static_cast<uint8_t>(FrameType::kCall)) continue;
      if (strike.Send(fd, answer_to(frame->header.call)) == Outcome::kClosed) return;
    }
  }
}
void FloodClient(Strike& strike, int fd, const std::string& opening, const std::string& packet) {
  strike.Send(fd, opening);
  while (strike.More() && strike.Send(fd, packet) != Outcome::kClosed) continue;
}

std::string Status(uint32_t call, uint32_t code, bool refused = false, absl::string_view trailing = "") {
  return wire::SerializeFrame(wire::StatusFrame{
      .call = call, .refused = refused, .code = code, .status_message = "no", .trailing_metadata = trailing});
}
std::string MetadataOf(size_t bytes) {
  std::string metadata;
  while (metadata.size() + 5 <= bytes) metadata += std::string("\x01\0k\0\0", 5);
  return metadata;
}

struct HostileServer {
  std::string name;
  std::function<void(Strike&, int)> serve;  // one connection
  size_t memory = 24 << 20;
};
void PrintTo(const HostileServer& server, std::ostream* out) { *out << server.name; }

std::vector<HostileServer> HostileServers() {
  return {
      {"NeverAnswers",
       [](Strike& strike, int fd) {
         while (strike.More() && strike.Drain(fd)) absl::SleepFor(absl::Milliseconds(1));
       }},
      {"ClosesAtOnce", [](Strike&, int) {}},
      {"NoSense",
       [](Strike& strike, int fd) {
         std::string bytes(1 + strike.random()() % 1000, '\0');
         for (char& byte : bytes) byte = static_cast<char>(strike.random()());
         strike.Send(fd, (strike.random()() % 2 == 0 ? ServersHello() : "") + bytes);
         Strike::AwaitClosed(fd);
       }},
      {"Http2Settings", [](Strike& strike, int fd) { FloodClient(strike, fd, std::string(9, '\0'), "\4"); }},
      {"PingsClientUnread",
       [](Strike& strike, int fd) {
         FloodClient(strike, fd, ServersHello(), PacketOf(wire::SerializeFrame(wire::PingFrame{.token = 1})));
       }},
      {"PingsAfterGoaway",
       [](Strike& strike, int fd) {
         FloodClient(strike, fd, ServersHello() + wire::SerializeFrame(wire::GoawayFrame{}),
                     PacketOf(wire::SerializeFrame(wire::PingFrame{.token = 1})));
       }},
      {"GoawayAtOnce",
       [](Strike& strike, int fd) {
         strike.Send(fd, ServersHello() + wire::SerializeFrame(wire::GoawayFrame{}));
         Strike::AwaitClosed(fd);
       }},
      {"GoawaysWithoutEnd",
       [](Strike& strike, int fd) {
         FloodClient(strike, fd, ServersHello(),
                     PacketOf(wire::SerializeFrame(wire::GoawayFrame{}, std::string(2000, 'x'))));
       }},
      {"RefusesAll",
       [](Strike& strike, int fd) {
         AnswerEach(strike, fd, [](uint32_t call) { return Status(call, 14, /*refused=*/true); });
       }},
      {"CreditOverflowOfClient",
       [](Strike& strike, int fd) { FloodClient(strike, fd, ServersHello(), Credit(0, wire::kMaxCredit)); }},
      {"CreditFloodOfClient",
       [](Strike& strike, int fd) { FloodClient(strike, fd, ServersHello(), PacketOf(Credit(0, 1))); }},
      {"OverrunsCredit",
       [](Strike& strike, int fd) {
         AnswerEach(strike, fd, [](uint32_t call) {
           std::string packet;
           for (int i = 0; i < 3; ++i) packet += MessageOfSize(call, 16384);
           return packet;
         });
       }},
      {"AnswersOfNoCall",
       [](Strike& strike, int fd) { FloodClient(strike, fd, ServersHello(), PacketOf(Status(77, 2))); }},
      {"MetadataTooLarge",
       [](Strike& strike, int fd) {
         AnswerEach(strike, fd, [](uint32_t call) { return Status(call, 0, false, MetadataOf(60000)); });
       }},
      {"DeclaredReplies",
       [](Strike& strike, int fd) {
         AnswerEach(strike, fd, [](uint32_t call) {
           return First(call, call % 2 == 0 ? uint64_t{4} << 20 : ~uint64_t{0}, std::string(30000, 'x'));
         });
       }},
      {"FdsForClient",
       [](Strike& strike, int fd) {
         strike.Send(fd, ServersHello());
         const UniqueFd file = FileOf("nobody asked");
         while (strike.More() && strike.Drain(fd)) {
           const std::string ping = wire::SerializeFrame(wire::PingFrame{.token = 1});
           if (strike.Send(fd, ping, std::vector<int>(wire::kMaxFds, file.get())) == Outcome::kClosed) return;
         }
       }},
      {"NeverReads",
       [](Strike& strike, int fd) {
         strike.Send(fd, ServersHello() + Credit(0, wire::kMaxCredit - wire::kInitialConnectionCredit));
         while (strike.More()) absl::SleepFor(absl::Milliseconds(1));
       }},
      {"LimitsOfNothing",
       [](Strike& strike, int fd) {
         strike.Send(fd, ServersHello(/*max_calls=*/0, /*max_message=*/0));
         while (strike.More() && strike.Drain(fd)) absl::SleepFor(absl::Milliseconds(1));
       }},
      {"LongReplies",
       [](Strike& strike, int fd) {
         // Without a look at the credit, which there is for some.
         AnswerEach(strike, fd, [](uint32_t call) { return First(call, 4 << 20, std::string(60000, 'x')); });
       }},
  };
}

class ClientSiege : public ::testing::TestWithParam<HostileServer> {
 protected:
  static constexpr absl::Duration kDuration = absl::Milliseconds(400);

  ClientSiege() {
    ServerBuilder builder;
    builder.AddEndpoint(good_target_, {.grpc = false}).RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    good_ = *std::move(server);
    const SocketAddress address = *SocketAddress::Of(*Endpoint::Parse(hostile_target_), SocketKind::kSeqpacket);
    listener_ = *OpenSocket(SocketKind::kSeqpacket);
    EXPECT_EQ(bind(listener_.get(), address.get(), address.size()), 0);
    EXPECT_EQ(listen(listener_.get(), SOMAXCONN), 0);
  }

  struct Counts {
    int calls = 0;
    int late = 0;
    int good = 0;
    int bad = 0;
  };
  static Counts Tell(ChildProcess& victim, const char* what) {
    Counts counts;
    const std::string line = victim.WriteLine(what) ? victim.ReadLine().value_or("") : "";
    EXPECT_EQ(std::sscanf(line.c_str(), "calls %d late %d good %d bad %d", &counts.calls, &counts.late, &counts.good,
                          &counts.bad),
              4)
        << "the victim does not answer: " << line;
    return counts;
  }

  // Until `until`; each connection on a thread of its own. What the threads have spent.
  absl::Duration Serve(absl::Time until) {
    std::atomic<int64_t> spent{0};
    std::vector<std::thread> threads;
    for (int index = 0; absl::Now() < until; ++index) {
      UniqueFd connection;
      if (!WaitForSocket(listener_.get(), false, -1, absl::Milliseconds(20)).readable ||
          AcceptConnection(listener_.get(), connection).outcome != IoOutcome::kDone) {
        continue;
      }
      threads.emplace_back([this, index, until, &spent, connection = std::move(connection)] {
        Strike strike(hostile_target_, index, until);
        GetParam().serve(strike, connection.get());
        timespec used;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
        spent += absl::ToInt64Nanoseconds(absl::DurationFromTimespec(used));
      });
    }
    for (std::thread& thread : threads) thread.join();
    return absl::Nanoseconds(spent.load());
  }

  void Lay(int channels) {
    ChildProcess victim({UDSRPC_VICTIM_CLIENT, hostile_target_, good_target_, absl::StrCat(channels)});
    Tell(victim, "");
    ProcessUsage usage(victim.pid());
    ASSERT_TRUE(AwaitRestOf(usage));
    const int files_before = usage.open_files();
    const absl::Duration cpu_before = usage.cpu();
    usage.ResetPeak();

    Tell(victim, "go");
    const absl::Duration spent = Serve(absl::Now() + kDuration);
    const Counts during = Tell(victim, "");
    const Counts counts = Tell(victim, "stop");
    const bool rests = AwaitRestOf(usage);
    const absl::Duration cpu = usage.cpu() - cpu_before;
    std::printf("[  SIEGE   ] %s of %d channels: %.1f MiB at most; CPU %.2f s for %.2f s; %d calls, %d good\n",
                GetParam().name.c_str(), channels, static_cast<double>(usage.PeakGrowth()) / (1 << 20),
                absl::ToDoubleSeconds(cpu), absl::ToDoubleSeconds(spent), counts.calls, counts.good);
    EXPECT_GT(counts.calls, 0);
    EXPECT_EQ(counts.late, 0);
    EXPECT_GT(during.good, 0);
    EXPECT_EQ(counts.bad, 0);
    EXPECT_TRUE(rests);
#ifndef UDSRPC_SANITIZED
    EXPECT_LE(usage.PeakGrowth(), GetParam().memory);
#endif
    // A call of the longest kind is of a megabyte.
    EXPECT_LE(cpu, 10 * spent + absl::Milliseconds(5) * counts.calls + absl::Seconds(1));
    // One each; and of the good one.
    EXPECT_LE(usage.open_files(), files_before + 2 * (channels + 1));
    Tell(victim, "drop");
    EXPECT_LE(usage.open_files(), files_before + 2);
    victim.CloseInput();
    EXPECT_EQ(victim.ReadLine(), "done");
    EXPECT_EQ(victim.Wait(), 0);
  }

  TempDir dir_;
  const std::string good_target_ = "unix:" + dir_.File("good");
  const std::string hostile_target_ = "unix:" + dir_.File("hostile");
  TestServiceImpl service_;
  std::unique_ptr<Server> good_;
  UniqueFd listener_;
};

INSTANTIATE_TEST_SUITE_P(Holds, ClientSiege, ::testing::ValuesIn(HostileServers()),
                         [](const ::testing::TestParamInfo<HostileServer>& info) { return info.param.name; });

TEST_P(ClientSiege, AgainstOneAndAgainstMany) {
  Lay(1);
  Lay(8);
}

}  // namespace
}  // namespace udsrpc::testing
