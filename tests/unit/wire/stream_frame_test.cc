#include "common/src/wire/stream_frame.h"

#include "gtest/gtest.h"
#include "tests/unit/wire/golden.h"

namespace udsrpc::wire {
namespace {

TEST(StreamFrameGolden, Message) {
  ExpectGolden(MessageFrame{.call = 5, .message = "abc"}, "abc", "0f000000 11 00 0000 05000000 616263");
  ExpectGolden(MessageFrame{.call = 5, .half_close = true}, "", "0c000000 11 01 0000 05000000");
}

TEST(StreamFrameGolden, FragmentsOfAMessage) {
  ExpectGolden(MessageFrame{.call = 5, .more = true, .total = 0x010203, .message = "ab"}, "ab",
               "16000000 11 06 0800 05000000 0302010000000000 6162");
  ExpectGolden(MessageFrame{.call = 5, .more = true, .message = "ab"}, "ab", "0e000000 11 02 0000 05000000 6162");
}

TEST(StreamFrameGolden, MessageWithDescriptors) {
  ExpectGolden(MessageFrame{.call = 5, .message = "abc", .fds = 253}, "abc",
               "11000000 11 08 0200 05000000 fd00 616263");
  ExpectGolden(MessageFrame{.call = 5, .more = true, .total = 3, .message = "ab", .fds = 1}, "ab",
               "18000000 11 0e 0a00 05000000 0300000000000000 0100 6162");
}

TEST(StreamFrameGolden, HalfClose) { ExpectGolden(HalfCloseFrame{.call = 5}, "", "0c000000 12 00 0000 05000000"); }

TEST(StreamFrameGolden, Initial) {
  const std::string metadata = testing::FromHex("0100 6b 0100 76");
  ExpectGolden(InitialFrame{.call = 5, .metadata = metadata}, "", "14000000 20 00 0800 05000000 0600 0100 6b 0100 76");
  ExpectGolden(InitialFrame{.call = 5}, "", "0e000000 20 00 0200 05000000 0000");
}

TEST(StreamFrameGolden, CreditOfACallAndOfTheConnection) {
  ExpectGolden(CreditFrame{.call = 5, .bytes = 0x8000}, "", "10000000 04 00 0400 05000000 00800000");
  ExpectGolden(CreditFrame{.call = 0, .bytes = 1}, "", "10000000 04 00 0400 00000000 01000000");
}

TEST(StreamFrame, ThatContradictsItselfIsMalformed) {
  ExpectMalformed<MessageFrame>("14000000 11 04 0800 05000000 0300000000000000", "only frame");
  ExpectMalformed<MessageFrame>("0c000000 11 03 0000 05000000", "goes on");
  ExpectMalformed<MessageFrame>("0c000000 11 10 0000 05000000", "flags other than");
  ExpectMalformed<MessageFrame>("0c000000 11 08 0000 05000000", "too short");
  ExpectMalformed<MessageFrame>("0e000000 11 08 0200 05000000 fe00", "at most 253");
  ExpectMalformed<MessageFrame>("0c000000 11 00 0000 00000000", "needs a call");
  ExpectMalformed<MessageFrame>("0c000000 11 06 0000 05000000", "too short");
  ExpectMalformed<HalfCloseFrame>("0c000000 12 01 0000 05000000", "flags");
  ExpectMalformed<InitialFrame>("0d000000 20 00 0100 05000000 00", "too short");
  ExpectMalformed<CreditFrame>("10000000 04 00 0400 05000000 00000000", "credit of 0");
  ExpectMalformed<CreditFrame>("0e000000 04 00 0200 05000000 0100", "too short");
}

}  // namespace
}  // namespace udsrpc::wire
