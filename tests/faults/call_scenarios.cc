// Calls that a thread waits for, of all four kinds.

#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/faults/scenario.h"
#include "tests/support/open_files.h"

namespace udsrpc::testing {
namespace {

constexpr int kShortBytes = 1000;
constexpr int kLongBytes = 200'000;  // several packets, and more than the first credit of a stream

void Unary(ScenarioRun& run) {
  for (int i = 0; i < 3; ++i) run.Echo(absl::StrCat("call ", i));
}

void LongUnary(ScenarioRun& run) {
  run.Echo(std::string(kLongBytes, 'x'));
  run.Echo("short");
}

void ServerStream(ScenarioRun& run, uint64_t messages, uint64_t bytes) {
  ClientContext context;
  context.set_timeout(kCallBound);
  InflateRequest request;
  request.set_messages(messages);
  request.set_bytes(bytes);
  ClientReader<EchoReply> reader = run.stub().Count(context, request);
  EchoReply reply;
  uint64_t read = 0;
  for (; reader.Read(reply); ++read) EXPECT_EQ(reply.text(), std::string(bytes, 'x'));
  if (run.Expect(reader.Finish())) {
    EXPECT_EQ(read, messages);
  }
}

void ServerStreams(ScenarioRun& run) {
  ServerStream(run, 10, kShortBytes);
  ServerStream(run, 2, kLongBytes);
}

void ClientStream(ScenarioRun& run, uint64_t messages, uint64_t bytes) {
  ClientContext context;
  context.set_timeout(kCallBound);
  CollectReply reply;
  ClientWriter<EchoRequest, CollectReply> writer = run.stub().Collect(context, reply);
  const EchoRequest request = EchoText(std::string(bytes, 'x'));
  for (uint64_t i = 0; i < messages && writer.Write(request); ++i) {
  }
  if (!run.Expect(writer.Finish())) return;
  EXPECT_EQ(reply.messages(), messages);
  EXPECT_EQ(reply.bytes(), messages * bytes);
}

void ClientStreams(ScenarioRun& run) {
  ClientStream(run, 10, kShortBytes);
  ClientStream(run, 2, kLongBytes);
}

void Chat(ScenarioRun& run, int messages, int bytes) {
  ClientContext context;
  context.set_timeout(kCallBound);
  ClientReaderWriter<EchoRequest, EchoReply> chat = run.stub().Chat(context);
  const EchoRequest request = EchoText(std::string(bytes, 'x'));
  EchoReply reply;
  int answered = 0;
  for (; answered < messages && chat.Write(request) && chat.Read(reply); ++answered) {
    EXPECT_EQ(reply.text(), request.text());
  }
  chat.WritesDone();
  while (chat.Read(reply)) ++answered;
  if (run.Expect(chat.Finish())) {
    EXPECT_EQ(answered, messages);
  }
}

void Chats(ScenarioRun& run) {
  Chat(run, 4, kShortBytes);
  Chat(run, 2, kLongBytes);
}

// Each has its own thread, and the connection is everybody's.
void SideBySide(ScenarioRun& run) {
  std::vector<std::thread> threads;
  threads.push_back(StartThread([&run] { Unary(run); }));
  threads.push_back(StartThread([&run] { Chat(run, 4, kShortBytes); }));
  threads.push_back(StartThread([&run] { ServerStream(run, 2, kLongBytes); }));
  ClientStream(run, 3, kLongBytes);
  for (std::thread& thread : threads) thread.join();
}

void UnaryWithFds(ScenarioRun& run) {
  ClientContext context;
  context.set_timeout(kCallBound);
  for (UniqueFd& file : FilesOf("request", 2)) context.AttachFd(std::move(file));
  EchoReply reply;
  if (!run.Expect(run.stub().Echo(context, EchoText("with two"), reply))) return;
  EXPECT_EQ(TextOf(context.TakeFds()), "request0|request1");
}

void ChatWithFds(ScenarioRun& run) {
  ClientContext context;
  context.set_timeout(kCallBound);
  ClientReaderWriter<EchoRequest, EchoReply> chat = run.stub().Chat(context);
  EchoReply reply;
  int answered = 0;
  while (answered < 2 && chat.Write(EchoText("with one"), FilesOf("message", 1)) && chat.Read(reply)) {
    ++answered;
    EXPECT_EQ(TextOf(chat.TakeFds()), "message0");
  }
  chat.WritesDone();
  while (chat.Read(reply)) ++answered;
  if (run.Expect(chat.Finish())) {
    EXPECT_EQ(answered, 2);
  }
}

void Fds(ScenarioRun& run) {
  UnaryWithFds(run);
  ChatWithFds(run);
}

World::Options WithFds() {
  World::Options options;
  options.server.max_receive_fds = 16;
  options.channel.max_receive_fds = 16;
  return options;
}

}  // namespace

std::vector<Scenario> CallScenarios() {
  return {{"Unary", Unary},
          {"LongUnary", LongUnary},
          {"ServerStreams", ServerStreams},
          {"ClientStreams", ClientStreams},
          {"Chats", Chats},
          {"SideBySide", SideBySide},
          {"Fds", Fds, WithFds()},
          {"GrpcUnary", Unary, World::OverGrpc()},
          {"GrpcSideBySide", SideBySide, World::OverGrpc()}};
}

}  // namespace udsrpc::testing
