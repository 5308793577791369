/** What Node 20 has of ES2024 and the ES2023 library does not declare. */
interface String {
  isWellFormed(): boolean;
  toWellFormed(): string;
}
