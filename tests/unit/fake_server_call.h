#ifndef UDSRPC_TESTS_UNIT_FAKE_SERVER_CALL_H_
#define UDSRPC_TESTS_UNIT_FAKE_SERVER_CALL_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "server/src/server_call.h"

namespace udsrpc::testing {

// A call without a transport, whose messages are google.protobuf.StringValue.
class FakeServerCall final : public ServerCall, private ServerContext, private ServerStream {
 public:
  using Message = google::protobuf::MessageLite;
  using StringValue = google::protobuf::StringValue;

  // What a coroutine reads waits until Arrive or End; what it writes goes to `outgoing` at once.
  class AsyncStream final : public AsyncServerStream {
   public:
    std::vector<std::string> outgoing;

    void Arrive(const std::string& value) {
      static_cast<StringValue&>(*message_).set_value(value);
      std::exchange(done_, nullptr)(true);
    }
    void End() { std::exchange(done_, nullptr)(false); }

    std::optional<bool> Read(Message& message, const Cancellation* stop, Done done) override {
      if (stop != nullptr && stop->cancelled()) return false;
      message_ = &message;
      done_ = std::move(done);
      return std::nullopt;
    }
    void StopRead() override {
      if (done_ != nullptr) End();
    }
    std::optional<bool> Write(const Message& message, Done /*done*/) override {
      outgoing.push_back(static_cast<const StringValue&>(message).value());
      return true;
    }
    void AttachFds(std::vector<UniqueFd> /*fds*/) override {}
    std::vector<UniqueFd> TakeFds() override { return {}; }
    void SendInitialMetadata() override {}
    void Forget(Outstanding /*outstanding*/) override { done_ = nullptr; }

   private:
    Message* message_ = nullptr;
    Done done_;
  };

  explicit FakeServerCall(std::string request_bytes) : request_bytes_(std::move(request_bytes)) {}

  std::shared_ptr<const Peer> caller = std::make_shared<const Peer>();
  int finished = 0;
  int kept = 0;
  std::deque<std::string> incoming;
  std::vector<std::string> outgoing;
  absl::Status status;
  std::string reply;
  const std::shared_ptr<AsyncStream> async = std::make_shared<AsyncStream>();

  ServerContext& context() override { return *this; }
  Metadata& client_metadata() override { return client_metadata_; }
  bool ParseRequest(Message& request) override { return request.ParseFromString(request_bytes_); }
  ServerStream& stream() override { return *this; }
  std::shared_ptr<AsyncServerStream> async_stream() override { return async; }
  void Keep(std::unique_ptr<Handling> handling) override {
    ++kept;
    handling_ = std::move(handling);
  }
  void Finish(const absl::Status& s, const Message* response) override {
    ++finished;
    status = s;
    EXPECT_TRUE(response == nullptr || s.ok());
    if (response != nullptr) reply = static_cast<const StringValue*>(response)->value();
    handling_ = nullptr;
  }

 private:
  absl::string_view method() const override { return "/p.Echo/Say"; }
  const Peer& peer() const override { return *caller; }
  bool IsCancelled() const override { return cancellation().cancelled(); }

  bool Read(Message& message) override {
    if (incoming.empty()) return false;
    static_cast<StringValue&>(message).set_value(incoming.front());
    incoming.pop_front();
    return true;
  }
  bool Write(const Message& message) override {
    outgoing.push_back(static_cast<const StringValue&>(message).value());
    return true;
  }
  void AttachFds(std::vector<UniqueFd> /*fds*/) override {}
  std::vector<UniqueFd> TakeFds() override { return {}; }
  void SendInitialMetadata() override {}

  std::string request_bytes_;
  std::unique_ptr<Handling> handling_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_UNIT_FAKE_SERVER_CALL_H_
