#include "tools/record.h"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "tools/flags.h"
#include "tools/recording.h"
#include "tools/target.h"
#include "tools/terminal.h"
#include "tools/watched_calls.h"

ABSL_DECLARE_FLAG(int, count);
ABSL_DECLARE_FLAG(std::vector<std::string>, method);

namespace udsrpc::tools {
namespace {

struct Recorded {
  int calls = 0;
  uint64_t dropped = 0;
};

// Until `most` calls are written (0: no limit), or none come any more.
absl::Status WriteCalls(WatchedCalls& calls, RecordingWriter& writer, int most, Recorded& recorded) {
  v1::WatchCallsResponse response;
  while ((most == 0 || recorded.calls < most) && calls.Read(&response)) {
    if (most > 0 && response.calls_size() > most - recorded.calls) {
      response.mutable_calls()->DeleteSubrange(most - recorded.calls, response.calls_size() - (most - recorded.calls));
    }
    recorded.calls += response.calls_size();
    recorded.dropped = response.dropped();
    if (absl::Status status = writer.Write(response); !status.ok()) return status;
  }
  return absl::OkStatus();
}

Outcome RunRecord(const std::vector<std::string>& arguments) {
  const std::string& target = arguments[0];
  const int count = absl::GetFlag(FLAGS_count);
  if (count < 0) return Outcome::Usage("--count: it must be 0 or more");
  std::shared_ptr<Channel> channel;
  ChannelOptions options;
  options.max_receive_message_bytes = kMaxResponseBytes;
  if (Outcome opened = OpenChannel(target, &channel, options); opened.code != ExitCode::kOk) return opened;
  absl::StatusOr<std::unique_ptr<RecordingWriter>> writer = RecordingWriter::Create(arguments[1]);
  if (!writer.ok()) return Outcome::Usage(std::string(writer.status().message()));
  v1::WatchCallsRequest request;
  request.set_payloads(true);
  WatchMethods(absl::GetFlag(FLAGS_method), &request);
  WatchedCalls calls(target, channel);
  if (Outcome begun = calls.Begin(request); begun.code != ExitCode::kOk) return begun;
  Recorded recorded;
  absl::Status written = (*writer)->Begin(target);  // from now on the server tells of each call
  if (written.ok()) written = WriteCalls(calls, **writer, count, recorded);
  if (!written.ok() || (count > 0 && recorded.calls == count)) calls.Cancel();
  bool server_ended = false;
  Outcome ended = calls.End(&server_ended);
  if (written.ok() && ended.code == ExitCode::kOk) written = (*writer)->Keep();
  if (!written.ok()) return Outcome::Failed(std::string(written.message()));
  if (ended.code != ExitCode::kOk) return ended;
  std::fprintf(stderr, "%s recorded, %s dropped%s\n", CountOf(static_cast<uint64_t>(recorded.calls), "call").c_str(),
               absl::StrCat(recorded.dropped).c_str(), server_ended ? "; the server has ended" : "");
  return Outcome::Ok();
}

}  // namespace

Command RecordCommand() {
  return {.name = "record",
          .arguments = "TARGET FILE",
          .summary = "Write the calls of a server to a file, to be replayed",
          .description =
              "Writes each call of the server to FILE when it ends, with the messages that it was sent, its status and "
              "how long it took, until Ctrl-C or until the server ends. \"udsrpc replay\" makes them again.\n\n"
              "The server's program has to allow it (IntrospectionOptions::max_payload_bytes). What is written is what "
              "clients have sent, so the file is only for whoever runs this (mode 0600); metadata is not recorded. "
              "FILE is made, or put in the place of what was there, when the first call is written; until then it is "
              "FILE and six more letters. What it looks like says tools/recording.proto. --timeout is for the server's "
              "first answer.",
          .flags = {"count", "metadata", "method", "timeout", "transport"},
          .examples = {{"Until Ctrl-C", "udsrpc record unix:/run/greeter.sock greeter.rec"},
                       {"A thousand calls of one service",
                        "udsrpc record @greeter greeter.rec --method=/helloworld.Greeter/ --count=1000"}},
          .min_arguments = 2,
          .max_arguments = 2,
          .run = RunRecord};
}

}  // namespace udsrpc::tools
