#ifndef UDSRPC_TESTS_INTEGRATION_FD_SERVICE_H_
#define UDSRPC_TESTS_INTEGRATION_FD_SERVICE_H_

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "tests/support/event.h"
#include "tests/support/open_files.h"

// The service of the tests of descriptors in calls.

namespace udsrpc::testing {

// Takes what it is sent, and says what that was; sends as many files as the text of the request says, with a response
// that is as long as that.
class FdService final : public TestService {
 public:
  absl::Status Echo(ServerContext& context, const EchoRequest& request, EchoReply& reply) override {
    ++calls;
    reply.set_text(TextOf(context.TakeFds()));
    for (UniqueFd& file : FilesOf("reply", atoi(request.text().c_str()))) context.AttachFd(std::move(file));
    if (request.text().size() > 100) reply.mutable_text()->append(request.text().size(), ' ');
    return absl::OkStatus();
  }

  // The first message says what came with the request; each has a file, but for every third.
  absl::Status Count(ServerContext& context, const InflateRequest& request, ServerWriter<EchoReply>& writer) override {
    ++calls;
    EchoReply reply;
    reply.set_text(TextOf(context.TakeFds()));
    for (uint64_t i = 0; i < request.messages(); ++i) {
      std::vector<UniqueFd> files;
      if (i % 3 != 2) files = MakeFds(FileOf(absl::StrCat("message", i)));
      if (!writer.Write(reply, std::move(files))) return absl::AbortedError("a message was not wanted");
      reply.set_text(std::string(request.bytes(), 'x'));
    }
    return absl::OkStatus();
  }

  // All that came, in a file of the response.
  absl::Status Collect(ServerContext& context, ServerReader<EchoRequest>& reader, CollectReply& reply) override {
    ++calls;
    EchoRequest request;
    std::string all;
    while (reader.Read(request)) {
      absl::StrAppend(&all, "[", TextOf(reader.TakeFds()), "]");
      reply.set_messages(reply.messages() + 1);
    }
    context.AttachFd(FileOf(all));
    return absl::OkStatus();
  }

  // Each message goes back with what came with it.
  absl::Status Chat(ServerContext&, ServerReaderWriter<EchoReply, EchoRequest>& stream) override {
    ++calls;
    EchoRequest request;
    EchoReply reply;
    while (stream.Read(request)) {
      reply.set_text(request.text());
      if (!stream.Write(reply, stream.TakeFds())) return absl::AbortedError("a message was not wanted");
    }
    return absl::OkStatus();
  }

  // Takes nothing, and waits until it is cancelled or let go on.
  absl::Status Block(ServerContext& context, const BlockRequest&, EchoReply&) override {
    ++calls;
    context.AddCancelCallback([this] { go_on.Happen(); });
    arrived.Happen();
    EXPECT_TRUE(go_on.Await());
    return absl::OkStatus();
  }

  // Reads nothing before it is let go on, and then all, and takes none.
  absl::Status Hold(ServerContext&, ServerReaderWriter<EchoReply, EchoRequest>& stream) override {
    ++calls;
    arrived.Happen();
    EXPECT_TRUE(go_on.Await());
    EchoRequest request;
    while (stream.Read(request)) {
    }
    return absl::OkStatus();
  }

  std::atomic<int> calls{0};
  Event arrived;
  Event go_on;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_INTEGRATION_FD_SERVICE_H_
