#include "tools/record.h"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tools/flags.h"
#include "tools/interruption.h"
#include "tools/introspection_client.h"
#include "tools/recording.h"
#include "tools/target.h"

ABSL_DECLARE_FLAG(int, count);
ABSL_DECLARE_FLAG(std::vector<std::string>, method);

namespace udsrpc::tools {
namespace {

struct Recorded {
  int calls = 0;
  uint64_t dropped = 0;
};

// Until `most` calls are written (0: no limit), or none come any more.
absl::Status WriteCalls(ClientReader<v1::WatchCallsResponse>& stream, RecordingWriter& writer, int most,
                        Recorded& recorded) {
  v1::WatchCallsResponse response;
  while ((most == 0 || recorded.calls < most) && stream.Read(response)) {
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
  ClientContext context;
  if (Outcome prepared = PrepareContext(&context); prepared.code != ExitCode::kOk) return prepared;
  context.set_deadline(absl::InfiniteFuture());
  v1::WatchCallsRequest request;
  request.set_payloads(true);
  for (const std::string& method : absl::GetFlag(FLAGS_method)) request.add_methods(method);
  absl::StatusOr<std::unique_ptr<RecordingWriter>> writer = RecordingWriter::Create(arguments[1]);
  if (!writer.ok()) return Outcome::Usage(std::string(writer.status().message()));
  ClientReader<v1::WatchCallsResponse> stream = v1::IntrospectionStub(channel).WatchCalls(context, request);
  const Interruption interruption([&context] { context.Cancel(); });
  stream.WaitForInitialMetadata();  // from then on the server tells of each call, and the file says so
  Recorded recorded;
  absl::Status written = (*writer)->Begin(target);
  if (written.ok()) written = WriteCalls(stream, **writer, count, recorded);
  const bool enough = !written.ok() || (count > 0 && recorded.calls == count);
  if (enough) context.Cancel();
  const absl::Status status = stream.Finish();
  if (!written.ok()) return Outcome::Failed(std::string(written.message()));
  if (!status.ok() && !absl::IsCancelled(status)) return IntrospectionOutcome(target, status);
  std::fprintf(stderr, "%d calls recorded, %s dropped%s\n", recorded.calls, absl::StrCat(recorded.dropped).c_str(),
               status.ok() ? "; the server has ended" : "");
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
              "What the file "
              "looks like says tools/recording.proto.",
          .flags = {"count", "metadata", "method", "transport"},
          .examples = {{"Until Ctrl-C", "udsrpc record unix:/run/greeter.sock greeter.rec"},
                       {"A thousand calls of one service",
                        "udsrpc record @greeter greeter.rec --method=/helloworld.Greeter/ --count=1000"}},
          .min_arguments = 2,
          .max_arguments = 2,
          .run = RunRecord};
}

}  // namespace udsrpc::tools
