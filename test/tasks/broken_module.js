/** A task module that cannot be loaded. */
throw new Error('this module is broken');
export const anything = () => 1;
