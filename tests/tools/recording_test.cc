// udsrpc record and udsrpc replay.

#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/support/child_process.h"
#include "tests/tools/cli.h"
#include "tests/tools/observed_server.h"

namespace udsrpc::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class RecordingTest : public ObservedServerTest {
 protected:
  // Records `calls`, of which there are `count`.
  template <typename Calls>
  void Record(int count, const Calls& calls) {
    ChildProcess record(CliArguments({"record", target_, file_, absl::StrCat("--count=", count)}));
    // Once the server tells of its calls.
    const absl::Time give_up = absl::Now() + kPatience;
    struct stat status;
    while (!HasBegun() && absl::Now() < give_up) sched_yield();
    calls();
    EXPECT_EQ(record.Wait(), 0);
    ASSERT_EQ(stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
  }

  // Until the first call the file has another name, with its own behind it.
  bool HasBegun() const {
    for (const auto& entry : std::filesystem::directory_iterator(files_.path())) {
      std::error_code gone;
      if (entry.path().filename() != "calls" && entry.file_size(gone) > 0 && !gone) return true;
    }
    return false;
  }
  size_t FileCount() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(files_.path()), {}));
  }

  uint64_t EndedOf(const std::string& method) {
    for (const MethodStats& stats : server_->Stats().methods) {
      if (stats.method == "/udsrpc.testing.Test/" + method) return stats.latency.count();
    }
    return 0;
  }
  std::string Contents() const {
    std::ostringstream contents;
    contents << std::ifstream(file_).rdbuf();
    return contents.str();
  }

  // Behind the ten methods of Test and GetStats.
  static constexpr size_t kWatchCallsIndex = 11;
  const TempDir files_;
  const std::string file_ = files_.path() + "/calls";
};

TEST_F(RecordingTest, CallsAreMadeAgain) {
  Record(4, [&] {
    Echo("one");
    Fail(5, "no such thing");
    ClientContext context;
    context.set_timeout(kPatience);
    CollectReply reply;
    auto writer = stub_->Collect(context, reply);
    EchoRequest request;
    request.set_text("four");
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(writer.Write(request));
    EXPECT_TRUE(writer.Finish().ok());
    ClientContext counting;
    counting.set_timeout(kPatience);
    InflateRequest inflate;
    inflate.set_bytes(10);
    inflate.set_messages(3);
    auto reader = stub_->Count(counting, inflate);
    EXPECT_TRUE(reader.Finish().ok());
  });
  uint64_t rounds = 1;
  for (const char* transport : {"seqpacket", "grpc"}) {
    const ServerStats before = server_->Stats();
    const CliResult result = RunCli({"replay", file_, target_, "--speed=0", absl::StrCat("--transport=", transport)});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr("4 of 4 recorded calls made again"));
    EXPECT_THAT(result.out, ContainsRegex("/udsrpc.testing.Test/Collect +1 +1 +[0-9.]+[mu]?s"));
    EXPECT_THAT(result.out, ContainsRegex("/udsrpc.testing.Test/Fail +1 +1 "));
    // Each once more, and with the same bytes: as many as one round had, in the first and in each one since.
    const ServerStats after = server_->Stats();
    for (size_t i = 0; i < kWatchCallsIndex - 1; ++i) {
      const MethodStats& was = before.methods[i];
      const MethodStats& is = after.methods[i];
      EXPECT_EQ(is.started * rounds, was.started * (rounds + 1)) << is.method;
      EXPECT_EQ(is.received_messages * rounds, was.received_messages * (rounds + 1)) << is.method;
      EXPECT_EQ(is.received_bytes * rounds, was.received_bytes * (rounds + 1)) << is.method;
    }
    ++rounds;
  }
  EXPECT_EQ(EndedOf("Echo"), 3u);
}

TEST_F(RecordingTest, ACallOfMoreThanAClientTakesByDefaultIsRecorded) {
  Record(1, [&] {
    ClientContext context;
    context.set_timeout(kPatience);
    CollectReply reply;
    auto writer = stub_->Collect(context, reply);
    EchoRequest request;
    request.set_text(std::string(1'000'000, 'x'));
    for (int i = 0; i < 6; ++i) EXPECT_TRUE(writer.Write(request));
    EXPECT_TRUE(writer.Finish().ok());
  });
  EXPECT_GT(Contents().size(), 6'000'000u);
}

TEST_F(RecordingTest, TheirPaceIsKeptOrChanged) {
  Record(2, [&] {
    Echo("one");
    const absl::Time until = absl::Now() + absl::Milliseconds(400);
    while (absl::Now() < until) absl::SleepFor(until - absl::Now());  // that is what is recorded
    Echo("two");
  });
  const auto time_of = [&](const std::string& speed) {
    const absl::Time start = absl::Now();
    EXPECT_EQ(RunCli({"replay", file_, target_, "--speed=" + speed}).code, 0);
    return absl::Now() - start;
  };
  EXPECT_GE(time_of("1"), absl::Milliseconds(395));
  EXPECT_GE(time_of("0.5"), absl::Milliseconds(795));
}

TEST_F(RecordingTest, AReplayThatIsInterruptedSaysSoByItsExitCode) {
  Record(2, [&] {
    Echo("one");
    Echo("two");
  });
  ChildProcess replay(CliArguments({"replay", file_, target_, "--speed=1e-9"}));
  const absl::Time give_up = absl::Now() + kPatience;
  while (EndedOf("Echo") < 3 && absl::Now() < give_up) sched_yield();
  replay.Kill(SIGINT);
  EXPECT_EQ(replay.Wait(), 128 + SIGINT);
}

TEST_F(RecordingTest, AnotherStatusIsAFailure) {
  Record(1, [&] { Echo("one"); });
  ServerBuilder builder;
  TempDir dir;
  Introspection introspection;
  builder.AddEndpoint("unix:" + dir.path() + "/s").AddExtension(&introspection);
  const absl::StatusOr<std::unique_ptr<Server>> other = builder.Start();
  ASSERT_TRUE(other.ok()) << other.status();
  const CliResult result = RunCli({"replay", file_, "unix:" + dir.path() + "/s"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, HasSubstr("OK now UNIMPLEMENTED 1"));
  EXPECT_THAT(result.err, HasSubstr("1 call ended with another status"));
}

TEST_F(RecordingTest, AFileThatIsCutOrIsNoneIsSaidToBe) {
  Record(2, [&] {
    Echo("one");
    Echo("two");
  });
  const std::string whole = Contents();
  std::ofstream(file_) << whole.substr(0, whole.size() - 3);
  const CliResult cut = RunCli({"replay", file_, target_, "--speed=0"});
  EXPECT_EQ(cut.code, 0);
  EXPECT_THAT(cut.err, HasSubstr("1 of 1 recorded call made again; the file ends within a call"));
  for (const std::string& contents : {std::string(), std::string("hello"), std::string(1000, '\xff')}) {
    std::ofstream(file_) << contents;
    const CliResult none = RunCli({"replay", file_, target_});
    EXPECT_EQ(none.code, 2);
    EXPECT_THAT(none.err, HasSubstr("it is no file of \"udsrpc record\""));
  }
  EXPECT_EQ(RunCli({"replay", files_.path() + "/none", target_}).code, 2);
  EXPECT_EQ(RunCli({"replay", file_, target_, "--speed=-1"}).code, 2);
  EXPECT_EQ(RunCli({"record", target_, files_.path()}).code, 2);
}

TEST_F(RecordingTest, WhatIsThereStaysUntilThereIsSomethingToWrite) {
  std::ofstream(file_) << "dear";
  ASSERT_EQ(chmod(file_.c_str(), 0644), 0);
  EXPECT_EQ(RunCli({"record", "unix:" + files_.path() + "/nobody", file_}).code, 3);
  EXPECT_EQ(Contents(), "dear");
  EXPECT_EQ(FileCount(), 1u);
  Record(1, [&] { Echo("one"); });  // and is of mode 0600 then
  EXPECT_NE(Contents(), "dear");
  EXPECT_EQ(FileCount(), 1u);
}

TEST_F(RecordingTest, OneWithoutCallsIsSaidToBe) {
  ChildProcess record(CliArguments({"record", target_, file_}));
  const absl::Time give_up = absl::Now() + kPatience;
  while (!HasBegun() && absl::Now() < give_up) sched_yield();
  record.Kill(SIGINT);
  EXPECT_EQ(record.Wait(), 0);
  const CliResult result = RunCli({"replay", file_, target_});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr(file_ + " has no calls\n"));
}

TEST_F(RecordingTest, AServerThatShowsNoContentsIsNotRecorded) {
  TempDir dir;
  Introspection introspection;
  ServerBuilder builder;
  builder.AddEndpoint("unix:" + dir.path() + "/s").AddExtension(&introspection);
  const absl::StatusOr<std::unique_ptr<Server>> other = builder.Start();
  ASSERT_TRUE(other.ok()) << other.status();
  const CliResult result = RunCli({"record", "unix:" + dir.path() + "/s", file_});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("max_payload_bytes"));
  EXPECT_EQ(FileCount(), 0u);
}

}  // namespace
}  // namespace udsrpc::testing
